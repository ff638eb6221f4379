//! The dashboard: pages for people, rendered on the server. They show what the API tells, out of the same functions and types.
//!
//! Nothing is written here but who is signed in ([`sign_in`]): the buttons and forms of the pages ask the API, with the
//! session's cookie, and what the API guards is guarded for them alike. A page cannot be declared without the permission that
//! it needs, either, and what its visitor may not do is not on it.
//!
//! * [`pages`](needs) of their own each: `home`, `calls`, `campaign`, `contact`; `agents`, `suppressions`, `hooks`,
//!   `hook`, `keys`, `nodes`, `audit`. What they have in common, the frame and the navigation: `frame`.
//! * What they are made of: `parts`, and the templates in `templates/dashboard`; `charts`. Numbers and times for people: `words`.
//! * What is done to every answer, so that no page can forget it: `dress`. Styles and scripts: `assets`.
//!
//! Whoever adds a page declares it in a module of its own with `resource("/things").get(Permission::ThingsRead, show)`, lists it in
//! `pages` below, and in the navigation in `frame` if it is a place of its own. Its handler takes a [`Visitor`](crate::http::Visitor), and
//! answers with [`render`] and a template that extends `dashboard/layout.html`:
//!
//! ```text
//! #[derive(Template)]
//! #[template(path = "dashboard/things.html")]
//! struct Things { frame: Frame, things: Vec<Thing> }
//! ```
//!
//! A button asks the API by itself: `hx-post="/api/v1/things/1/stop" hx-swap="none"`, with `hx-confirm` where it cannot be undone. A
//! form is `<form data-api="POST" action="/api/v1/things" data-then="/things">` (`script/forms.js`). What either is refused is told by the
//! script. Nothing is inherited by the elements inside of another (`disableInheritance`): each says all that it does.
//!
//! Elements that change by themselves name in `data-live` what they show, and ask for themselves anew when something happens to
//! it (`assets/dashboard/script/live.js`).

mod agents;
mod assets;
mod audit;
mod calls;
mod campaign;
mod charts;
mod contact;
mod dress;
mod form;
mod form_field;
mod form_packs;
mod form_values;
mod frame;
mod glance;
mod home;
mod hook;
mod hooks;
mod keys;
mod new;
mod new_preview;
mod new_review;
mod new_sample;
mod nodes;
mod parts;
mod sign_in;
mod suppressions;
mod words;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use askama::Template;
use tracing::error;

use crate::http::{Methods, Needs, Problem, needs_of, nothing_here, without_nul};

/// Adds the pages, and answers what nothing is found under. It has to come last.
pub fn routes(config: &mut web::ServiceConfig) {
    let all = pages().into_iter().chain(open_to_everybody());
    let scope = all
        .fold(web::scope("").wrap(from_fn(without_nul)).wrap(from_fn(dress::dress)), |scope, page| {
            scope.service(page)
        });
    config.service(scope.default_service(web::to(nothing_here)));
}

/// All pages that are not open to everybody, with what they need.
pub fn needs() -> Vec<Needs> {
    needs_of(&pages())
}

fn pages() -> Vec<Methods> {
    let all = [
        // What is made comes before what has an id: `new` would be taken for one.
        new::pages(),
        home::pages(),
        calls::pages(),
        glance::pages(),
        campaign::pages(),
        contact::pages(),
        agents::pages(),
        suppressions::pages(),
        hooks::pages(),
        hook::pages(),
        keys::pages(),
        nodes::pages(),
        audit::pages(),
        sign_in::pages(),
    ];
    all.into_iter().flatten().collect()
}

fn open_to_everybody() -> Vec<Methods> {
    [sign_in::open_pages(), assets::files()].into_iter().flatten().collect()
}

/// A page, or a part of one, as an answer.
fn render(page: &impl Template) -> Result<HttpResponse, Problem> {
    match page.render() {
        Ok(text) => Ok(HttpResponse::Ok().content_type(dress::HTML).body(text)),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "a page cannot be rendered");
            Err(Problem::internal())
        }
    }
}
