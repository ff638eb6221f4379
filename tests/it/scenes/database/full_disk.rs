//! A database whose disk is full.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::json;

use super::{
    BACK_WITHIN, OpenCall, answering, asked, assert_all_were_reached, call_many, until_nobody_is_called,
    until_not_ready, until_somebody_is_called,
};
use crate::support::cluster::OwnCluster;
use crate::support::eventually;
use crate::support::scene::{Scene, for_a_while, settings};

/// What fills a disk, to its last byte, until it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn on(cluster: &OwnCluster) -> Self {
        let path = cluster.data().with_file_name("ballast");
        let mut file = File::create(&path).unwrap();
        let piece = [0; 4096];
        while file.write_all(&piece).is_ok() {}
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// A list of so many people.
fn list(count: u32) -> String {
    let line = |number: u32| {
        let (area_code, line) = ([203, 212, 215, 216][number as usize / 100 % 4], number % 100);
        format!("Person {number},+1{area_code}55501{line:02} ext. {},{}\n", number / 400 + 1, "x".repeat(400))
    };
    std::iter::once("name,phone,notes\n".to_owned()).chain((0..count).map(line)).collect()
}

#[actix_web::test]
async fn with_a_full_disk_nobody_is_called_and_a_list_is_refused_with_the_reason_until_there_is_space() {
    let Some(cluster) = OwnCluster::start_on_disk_of(160).await else { return };
    let scene = Scene::at(cluster.config(), answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 99).await;
    until_somebody_is_called(&scene).await;
    let ballast = Ballast::on(&cluster);
    let list = list(4000);
    let (status, answer) = scene.upload_file(&settings(json!({})), list.clone()).await;
    assert_eq!(status, 503, "{answer}");
    assert_eq!(answer["detail"], "the database's disk is full; try again shortly");
    // Until the last page with room in it is full, a call can still be written down, and then be placed.
    eventually("nobody is called for a while", || async {
        let before = asked(&scene);
        for _ in 0..8 {
            for_a_while().await;
        }
        (asked(&scene) == before).then_some(())
    })
    .await;
    let (_, unfinished) = scene.ask(Method::GET, &campaign).await;
    assert_ne!(unfinished["state"], "completed", "the disk was not full enough: {unfinished}");
    drop(ballast);
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    let (status, answer) = scene.upload_file(&settings(json!({})), list).await;
    assert_eq!((status.as_u16(), &answer["imported"]), (201, &json!(4000)), "{answer}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

/// A server that cannot write its log of changes gives up, and does not start before it can.
#[actix_web::test]
async fn a_server_that_died_of_a_full_disk_is_waited_for() {
    let Some(cluster) = OwnCluster::start_on_disk_of(160).await else { return };
    let scene = Scene::at(cluster.config(), answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    let psql = scene.psql().await;
    let ballast = Ballast::on(&cluster);
    // The next piece of the log is to be begun, and there is no space for one.
    eventually("the server has died", || async {
        let switched =
            psql.batch_execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()").await;
        (switched.is_err() && psql.is_closed()).then_some(())
    })
    .await;
    until_not_ready(&scene).await;
    assert_eq!(open.end(&scene).await, 503);
    until_nobody_is_called(&scene).await;
    drop(ballast);
    cluster.start_again().await;
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}
