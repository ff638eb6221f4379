//! The API's routes. One door for every request, so that each is in the ledger, even one that nobody understands.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method as Verb, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::account::{Refusal, account_body, authorize, new_sid, number_body};
use super::call::{Call, Command};
use super::callbacks::Release;
use super::control;
use super::faults::{Fault, FaultKind};
use super::ledger::Request;
use super::list::{self, single_page};
use super::validate::{Form, is_e164, read_instructions, read_order};
use super::world::World;
use crate::clock::Stopwatch;
use crate::twilio::wire::{API_VERSION, Status};

/// The longest that the answer to a create is held back for its callbacks, in real time.
const LONGEST_HOLD: Duration = Duration::from_secs(30);

/// A second hold on a connection's socket, to close it without an answer.
pub(super) struct Connection(pub(super) TcpStream);

/// What a request is answered with.
enum Reply {
    Json(u16, Value),
    Empty,
    /// The connection is closed without a word.
    Cut,
}

/// A request in hand.
struct Asked<'a> {
    world: &'a Arc<World>,
    verb: &'a Verb,
    path: &'a str,
    form: Form<'a>,
    authorization: Option<&'a str>,
    /// Its place in the ledger.
    entry: usize,
}

pub(super) async fn serve(
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
    world: web::Data<World>,
) -> HttpResponse {
    let world = world.into_inner();
    let took = Stopwatch::start();
    if request.path().starts_with("/simulator/") {
        return control::serve(&request, &body.unwrap_or_default(), &world);
    }
    let (concurrent, _guard) = world.begin_request();
    let form = read_form(&request, body.ok());
    let entry = world.arrive(Request {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        form: form.clone(),
        at: world.clock().now(),
        real_ms: world.real_ms(),
        answer: None,
        code: None,
        placed: None,
        unknown_parameters: Vec::new(),
    });
    let asked = Asked {
        world: &world,
        verb: request.method(),
        path: request.path(),
        form: Form(&form),
        authorization: request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()),
        entry,
    };
    let mut retry_after = None;
    let reply = asked.answer().await.unwrap_or_else(|refusal| {
        world.amend(entry, |request| request.code = Some(refusal.code));
        retry_after = refusal.retry_after;
        Reply::Json(refusal.http, refusal.body())
    });
    let (http, body) = match reply {
        Reply::Json(http, body) => (http, Some(body)),
        Reply::Empty => (204, None),
        Reply::Cut => {
            if let Some(connection) = request.conn_data::<Connection>() {
                // A connection that is closed already is what is wanted.
                let _ = connection.0.shutdown(Shutdown::Both);
            }
            return HttpResponse::InternalServerError().force_close().finish();
        }
    };
    world.amend(entry, |request| request.answer = Some(http));
    let mut response =
        HttpResponse::build(StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response
        .insert_header(("Twilio-Concurrent-Requests", concurrent.to_string()))
        .insert_header(("Twilio-Request-Id", new_sid("RQ")))
        .insert_header(("Twilio-Request-Duration", format!("{:.3}", took.elapsed().as_secs_f64())))
        .insert_header(("X-Home-Region", "us1"))
        .insert_header(("X-API-Domain", "api.twilio.com"))
        .insert_header(("X-Powered-By", "AT-5000"))
        .insert_header(("X-Shenanigans", "none"))
        .insert_header(("Strict-Transport-Security", "max-age=31536000"))
        .insert_header(("Access-Control-Allow-Origin", "*"))
        .insert_header(("Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE, OPTIONS"))
        .insert_header(("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, If-Match"))
        .insert_header(("Access-Control-Allow-Credentials", "true"))
        .insert_header(("Access-Control-Expose-Headers", "ETag"));
    if let Some(seconds) = retry_after {
        response.insert_header(("Retry-After", seconds.to_string()));
    }
    if http == 401 {
        response.insert_header(("WWW-Authenticate", "Basic realm=\"Twilio API\""));
    }
    match body {
        Some(body) => response.content_type("application/json").body(body.to_string()),
        None => response.finish(),
    }
}

/// The parameters: the query's, then the form's. A body that is no form has none, as for Twilio.
fn read_form(request: &HttpRequest, body: Option<web::Bytes>) -> Vec<(String, String)> {
    let mut form: Vec<(String, String)> =
        form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    if let Some(body) = body.filter(|_| is_form(request.headers())) {
        form.extend(form_urlencoded::parse(&body).into_owned());
    }
    form
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl Asked<'_> {
    async fn answer(&self) -> Result<Reply, Refusal> {
        let segments: Vec<&str> = self.path.trim_start_matches('/').split('/').collect();
        let [API_VERSION, "Accounts", rest @ ..] = segments.as_slice() else {
            return Err(Refusal::not_found(self.path));
        };
        let config = &self.world.config;
        let owner = rest.first().copied().unwrap_or_default();
        let owner = if rest.len() == 1 { owner.strip_suffix(".json").unwrap_or(owner) } else { owner };
        authorize(config, self.authorization, owner)?;
        if self.verb == Verb::GET {
            self.fail_read()?;
        }
        match (self.verb, rest) {
            (&Verb::GET, [account]) if account.ends_with(".json") => {
                Ok(Reply::Json(200, account_body(config, self.world.since)))
            }
            (&Verb::POST, [_, "Calls.json"]) => self.create().await,
            (&Verb::GET, [_, "Calls.json"]) => {
                self.name_unknown(list::unknown(self.form));
                let now = self.world.clock().now();
                let page = self.world.with_calls(|calls| list::list(self.form, calls, owner, now))?;
                Ok(Reply::Json(200, page))
            }
            (&Verb::GET, [_, "IncomingPhoneNumbers.json"]) => Ok(Reply::Json(200, self.numbers())),
            (&Verb::GET, [_, "Balance.json"]) => {
                Ok(Reply::Json(200, json!({"account_sid": owner, "balance": "100.00", "currency": "USD"})))
            }
            (&Verb::GET, [_, "Calls", sid, part @ ("Recordings.json" | "Events.json")]) => {
                self.find(sid)?;
                let key = if *part == "Events.json" { "events" } else { "recordings" };
                Ok(Reply::Json(200, single_page(key, self.path, Vec::new())))
            }
            (verb, [_, "Calls", file]) if file.ends_with(".json") => {
                let call = self.find(file.strip_suffix(".json").unwrap_or(file))?;
                match *verb {
                    Verb::GET => {}
                    Verb::POST => self.update(&call)?,
                    Verb::DELETE => return self.delete(&call),
                    _ => return Err(not_allowed()),
                }
                Ok(Reply::Json(200, call.body(owner, false, self.world.clock().now())))
            }
            (_, [_, "Calls.json" | "IncomingPhoneNumbers.json" | "Balance.json"]) => Err(not_allowed()),
            _ => Err(Refusal::not_found(self.path)),
        }
    }

    /// Fails a `GET` on demand: of a list by the number it is filtered by, of a call by the number called.
    fn fail_read(&self) -> Result<(), Refusal> {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        let call = self.world.find_call(file.strip_suffix(".json").unwrap_or(file));
        let number = call.as_ref().map(|call| call.order.to.as_str()).or(self.form.get("To"));
        match self.world.read_fault(number) {
            Some(FaultKind::ReadError { http }) => Err(read_error(http, self.path)),
            _ => Ok(()),
        }
    }

    fn find(&self, sid: &str) -> Result<Arc<Call>, Refusal> {
        self.world.find_call(sid).ok_or_else(|| Refusal::not_found(self.path))
    }

    /// `POST /Calls.json`, and everything that may go wrong with it on demand.
    async fn create(&self) -> Result<Reply, Refusal> {
        let fault = self.world.create_fault(self.form.get("To"));
        let kind = fault.as_ref().map(|fault| fault.kind.clone());
        match kind {
            Some(FaultKind::TooManyRequests { retry_after }) => {
                return Err(Refusal::too_many_requests(retry_after));
            }
            Some(FaultKind::Unauthorized) => return Err(Refusal::unauthorized()),
            Some(FaultKind::Refused { http, code, message }) => {
                return Err(Refusal::new(http, code, message));
            }
            Some(FaultKind::ServerError { placed: false }) => return Err(Refusal::server_error()),
            Some(FaultKind::Dropped { placed: false }) => return Ok(Reply::Cut),
            Some(FaultKind::Hang { placed: false, seconds }) => return Ok(hang(seconds).await),
            _ => {}
        }
        self.name_unknown(self.form.unknown());
        let order = read_order(self.form, self.world.config.from_numbers.as_deref())?;
        let (release, released) = match fault {
            Some(Fault { kind: FaultKind::CallbacksBeforeAnswer, event, .. }) => {
                let (done, released) = oneshot::channel();
                (Some(Release { event, done }), Some(released))
            }
            _ => (None, None),
        };
        let call = self.world.place(order, release)?;
        // What is answered is what was placed, whatever becomes of the call meanwhile.
        let now = self.world.clock().now();
        let body = call.body(&self.world.config.account_sid, true, now);
        self.world.amend(self.entry, |request| request.placed = Some(call.sid.clone()));
        match kind {
            Some(FaultKind::ServerError { .. }) => return Err(Refusal::server_error()),
            Some(FaultKind::Dropped { .. }) => return Ok(Reply::Cut),
            Some(FaultKind::Hang { seconds, .. }) => return Ok(hang(seconds).await),
            _ => {}
        }
        if let Some(released) = released {
            // It is dropped unsent when the call ends without that callback; the answer goes out all the same.
            let _ = tokio::time::timeout(LONGEST_HOLD, released).await;
        }
        Ok(Reply::Json(201, body))
    }

    /// `POST /Calls/{Sid}.json`: end it, or give it other instructions.
    fn update(&self, call: &Call) -> Result<(), Refusal> {
        self.name_unknown(self.form.unknown_in_update());
        let instructions = read_instructions(self.form, &mut Vec::new())?;
        let status = self.form.get("Status");
        if let Some(other) = status.filter(|status| !matches!(*status, "canceled" | "completed")) {
            return Err(Refusal::bad_request(20001, format!("Invalid parameter Status: {other}")));
        }
        let target = self.form.target("StatusCallback", "StatusCallbackMethod", 21609)?;
        let limit = self.form.get("TimeLimit").map(|text| {
            text.parse()
                .map_err(|_| Refusal::bad_request(20001, format!("Invalid parameter TimeLimit: {text}")))
        });
        let limit = limit.transpose()?;
        let (is_talking, is_over) =
            call.look(|record| (record.status == Status::InProgress, record.status.is_end()));
        if is_over || (instructions.is_some() && !is_talking) {
            return Err(Refusal::bad_request(21220, "Call is not in-progress. Cannot redirect."));
        }
        if let Some(target) = target {
            call.report_to(target);
        }
        if let Some(seconds) = limit {
            call.tell(Command::Limit(seconds));
        }
        match (status, is_talking) {
            (Some("completed"), true) => self.end(call, Status::Completed, 200),
            // A call that nobody has taken yet is canceled, in whichever of the two words.
            (Some(_), false) => self.end(call, Status::Canceled, 487),
            // Canceling has no effect on a call in progress.
            (Some(_), true) | (None, _) => {}
        }
        if let Some(instructions) = instructions {
            call.tell(Command::Redirect(instructions));
        }
        Ok(())
    }

    /// Says loudly what Twilio passes over in silence, because that is how misspellings are found.
    fn name_unknown(&self, unknown: Vec<String>) {
        if !unknown.is_empty() {
            tracing::warn!(?unknown, "parameters that Twilio ignores");
            self.world.amend(self.entry, |request| request.unknown_parameters = unknown);
        }
    }

    fn end(&self, call: &Call, status: Status, sip_code: u16) {
        if self.world.end(call, status, sip_code, self.world.clock().now()) {
            call.tell(Command::End);
        }
    }

    fn delete(&self, call: &Call) -> Result<Reply, Refusal> {
        if !call.look(|record| record.status.is_end()) {
            return Err(Refusal::new(409, 20409, "Cannot delete a call that is in progress"));
        }
        self.world.delete_call(&call.sid);
        Ok(Reply::Empty)
    }

    /// The account's numbers. An account that owns every number has the one that is asked for.
    fn numbers(&self) -> Value {
        let config = &self.world.config;
        let wanted = self.form.get("PhoneNumber");
        let numbers: Vec<&str> = match &config.from_numbers {
            Some(numbers) => {
                let fits = |number: &&str| wanted.is_none_or(|wanted| number.contains(wanted));
                numbers.iter().map(String::as_str).filter(fits).collect()
            }
            None => wanted.into_iter().filter(|number| is_e164(number)).collect(),
        };
        let bodies = numbers.iter().map(|number| number_body(config, number, self.world.since)).collect();
        single_page("incoming_phone_numbers", self.path, bodies)
    }
}

/// Holds the connection, in real time, and then closes it.
async fn hang(seconds: f64) -> Reply {
    tokio::time::sleep(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_HOLD)).await;
    Reply::Cut
}

fn read_error(http: u16, path: &str) -> Refusal {
    match http {
        401 => Refusal::unauthorized(),
        404 => Refusal::not_found(path),
        429 => Refusal::too_many_requests(None),
        500 => Refusal::server_error(),
        http => Refusal::new(http, 20000 + u32::from(http), "Service Unavailable"),
    }
}

fn not_allowed() -> Refusal {
    Refusal::new(405, 20004, "Method not allowed")
}
