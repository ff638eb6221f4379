//! That whoever fills in a form here fills in all kinds of fields, as they are in any page.

use std::path::Path;

use serde_json::json;
use thirtyfour::support::base64_encode;

use super::page::Page;
use crate::support::scene::Scene;

const FORM: &str = "<!doctype html><html lang=en><title>Fields</title><main><h1>Fields</h1><form>
    <label>Name <input value=Old></label>
    <label>Zone <select><option value=1>Chicago<option value=2>Denver</select></label>
    <label>Opens <input type=time></label>
    <label>Begins <input type=date></label>
    <label>Pause <input type=range min=5 max=60></label>
    <label>Weekends <input type=checkbox></label>
    <label>List <input type=file></label>
    <fieldset><legend>Drop a list here</legend><output></output></fieldset>
    <button disabled>Create</button></form></main>
    <script>
        const [field, form] = ['fieldset', 'form'].map(name => document.querySelector(name));
        field.addEventListener('dragover', event => event.preventDefault());
        field.addEventListener('drop', async event => {
            event.preventDefault();
            const [file] = event.dataTransfer.files;
            document.querySelector('output').textContent = `${file.name}: ${await file.text()}`;
        });
        form.addEventListener('submit', event => event.preventDefault());
        form.addEventListener('change', () => { document.querySelector('button').disabled = !form.elements[1].value; });
    </script>";

#[actix_web::test]
async fn every_kind_of_field_is_filled_in_as_people_do_it() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    let form = format!("data:text/html;charset=utf-8;base64,{}", base64_encode(FORM.as_bytes()));
    page.driver().goto(form).await.unwrap();
    page.upload(Path::new("fixtures/contacts.csv")).await;
    page.fill("Name", "Reminders").await;
    page.fill("Zone", "Denver").await;
    page.fill("Opens", "09:30").await;
    page.fill("Begins", "2026-03-02").await;
    page.fill("Pause", "12").await;
    page.press("Weekends").await;
    page.within("Drop a list here").drops("list.csv", "name,phone").await;
    page.sees("list.csv: name,phone").await;
    page.press("Create").await;
    let read = "const [name, zone, opens, begins, pause, weekends, list] = document.forms[0].elements;
        return [name, zone, opens, begins, pause].map(field => field.value).concat(weekends.checked, list.files[0].name);";
    let filled = page.script(read, vec![]).await.unwrap();
    assert_eq!(filled, json!(["Reminders", "2", "09:30", "2026-03-02", "12", true, "contacts.csv"]));
    page.end().await;
    scene.end().await;
}
