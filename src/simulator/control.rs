//! The simulator's own routes, for whoever runs it as a process of its own. They are no part of Twilio, need no
//! credentials, and are not in the ledger.
//!
//! | route | does |
//! |---|---|
//! | `GET /simulator/ledger` | the [`Ledger`](super::Ledger) |
//! | `GET /simulator/calls` | every [`CallRecord`](super::CallRecord) |
//! | `PUT /simulator/scenario` | replaces the [`Scenario`] |
//! | `POST /simulator/numbers` | `{"number": "+1…", "behaviors": ["busy", "answer"]}`: from the next call on |
//! | `POST /simulator/faults` | adds a [`Fault`] |
//! | `DELETE /simulator/faults` | forgets all faults |

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::behavior::Behavior;
use super::faults::Fault;
use super::scenario::Scenario;
use super::world::World;

/// What a number does from its next call on.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Fixed {
    number: String,
    behaviors: Vec<Behavior>,
}

pub(super) fn serve(request: &HttpRequest, body: &[u8], world: &World) -> HttpResponse {
    let done = match (request.method(), request.path()) {
        (&Method::GET, "/simulator/ledger") => return HttpResponse::Ok().json(world.ledger()),
        (&Method::GET, "/simulator/calls") => return HttpResponse::Ok().json(world.call_records()),
        (&Method::PUT, "/simulator/scenario") => {
            read::<Scenario>(body).and_then(|scenario| world.set_scenario(scenario).map_err(text))
        }
        (&Method::POST, "/simulator/numbers") => {
            read::<Fixed>(body).and_then(|fixed| world.fix(&fixed.number, fixed.behaviors).map_err(text))
        }
        (&Method::POST, "/simulator/faults") => {
            read::<Fault>(body).and_then(|fault| world.add_fault(fault).map_err(text))
        }
        (&Method::DELETE, "/simulator/faults") => {
            world.clear_faults();
            Ok(())
        }
        _ => return HttpResponse::NotFound().json(json!({"error": "expected a route of the simulator"})),
    };
    match done {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => HttpResponse::BadRequest().json(json!({"error": error})),
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
