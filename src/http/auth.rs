//! Who asks: an API key in the `Authorization` header, or a session that was begun with one (`super::session`), how often it
//! may, and whether its role may do what is asked for. What changes something is put on record here, before it is done.

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use std::future::{Ready, ready};
use uuid::Uuid;

use crate::db::Error;
use crate::db::audit::By;
use crate::db::keys::{Holder, find_holder};
use crate::db::sessions::find_session;
use crate::domain::access::{Permission, Role};
use crate::keys::{Pass, hash};

use super::audit::{Trail, action, by_holder};
use super::limits::Standing;
use super::session::{SessionId, Token, check_is_meant};
use super::{Admits, Api, Problem};

/// Somebody with a valid key that allows what is asked for. A handler that takes one cannot be reached without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The team whose key it is.
    pub(crate) team: Uuid,
    /// The key itself, by which it is known who did something; none of a command that works without a server.
    pub(crate) key: Option<Uuid>,
    /// What the key is for.
    pub(crate) role: Role,
    /// The session, if somebody has signed in with the key.
    pub(crate) session: Option<SessionId>,
}

/// Somebody who looks at a page, and what the page has to know of him.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// Who it is.
    pub(crate) caller: Caller,
    /// What people call the key.
    pub(crate) key_name: String,
    /// The session's token, of which is made what the page sends along; none if a key came with the request.
    pub(crate) token: Option<Token>,
}

/// Somebody who was let in.
struct Admitted {
    visitor: Visitor,
    /// What is left of the key's limit, if it has one.
    standing: Option<Standing>,
    /// Its row in the audit trail, if it may change something.
    trail: Option<Trail>,
}

/// Lets those through whose key allows it. Of the others nothing is read but the head of the request.
pub(super) async fn admit(
    needs: Permission,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Admitted { visitor, standing, trail } = match identify(needs, request.request()).await {
        Ok(admitted) => admitted,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    request.extensions_mut().insert(visitor.caller);
    request.extensions_mut().insert(visitor);
    if let Some(trail) = &trail {
        request.extensions_mut().insert(trail.clone());
    }
    let mut answer = next.call(request).await;
    if let Some(trail) = trail {
        let status =
            answer.as_ref().map_or_else(|error| error.error_response().status(), |answer| answer.status());
        trail.finish(status).await;
    }
    if let (Some(standing), Ok(answer)) = (standing, &mut answer) {
        standing.tell(answer.headers_mut());
    }
    answer
}

/// Somebody who has shown who he is.
struct Known {
    team: Uuid,
    /// The key; none of whoever has the database.
    key: Option<Uuid>,
    name: String,
    role: Role,
    token: Option<Token>,
    /// As the audit trail names him.
    by: By,
    /// As the audit trail names what he asks for.
    action: String,
}

async fn identify(needs: Permission, request: &HttpRequest) -> Result<Admitted, Problem> {
    let Some(api) = request.app_data::<web::Data<Api>>() else { return Err(Problem::unauthorized()) };
    let known = match &api.admits {
        Admits::Keys => by_key_or_session(api, needs, request).await?,
        Admits::Command(pass) => by_pass(pass, request)?,
    };
    let standing = match (needs, known.key) {
        // How the servers are is asked for by what looks after them, which must not become blind.
        (Permission::HealthRead, _) | (_, None) => None,
        (_, Some(key)) => api.gate.count(key)?,
    };
    let trail = match *request.method() {
        Method::GET | Method::HEAD => None,
        _ => Some(Trail::begin(api, (known.team, &known.by), &known.action, request).await?),
    };
    let Known { team, key, name, role, token, by: _, action: _ } = known;
    if role.may(needs) {
        let caller = Caller { team, key, role, session: token.as_ref().map(Token::id) };
        return Ok(Admitted { visitor: Visitor { caller, key_name: name, token }, standing, trail });
    }
    let refused = Problem::forbidden(needs, role);
    if let Some(trail) = trail {
        trail.finish(refused.status_code()).await;
    }
    Err(refused)
}

async fn by_key_or_session(api: &Api, needs: Permission, request: &HttpRequest) -> Result<Known, Problem> {
    // Who brings a key means that key, whatever cookies his program has.
    let (holder, token) = match (bearer(request), Token::of(api, request)) {
        (Some(key), _) => (hold(api, &key, request).await?, None),
        (None, Some(token)) => {
            let holder = hold_session(api, &token, request).await?;
            check_is_meant(api, request, &token)?;
            (holder, Some(token))
        }
        (None, None) => return Err(Problem::unauthorized()),
    };
    let by = by_holder(&holder, needs, request);
    let Holder { team, key, role, name, prefix: _ } = holder;
    Ok(Known { team, key: Some(key), name, role, token, by, action: action(request) })
}

/// Whoever has the database may do everything, and nobody else is let in beside him.
fn by_pass(pass: &Pass, request: &HttpRequest) -> Result<Known, Problem> {
    bearer(request).filter(|key| pass.is(key)).ok_or_else(Problem::unauthorized)?;
    let name = "the command line".to_owned();
    let (team, action) = (pass.team, format!("{}: {}", pass.command, action(request)));
    Ok(Known { team, key: None, name, role: Role::Admin, token: None, by: By::CommandLine, action })
}

/// Who holds a key.
pub(crate) async fn hold(api: &Api, key: &str, request: &HttpRequest) -> Result<Holder, Problem> {
    let hash = hash(key);
    let found = find_holder(&api.board.database, &hash, api.board.clock.now());
    known(api, &hash, request, found).await?.ok_or_else(Problem::unauthorized)
}

/// Who holds a session.
async fn hold_session(api: &Api, token: &Token, request: &HttpRequest) -> Result<Holder, Problem> {
    let id = token.id();
    let found = find_session(&api.board.database, id.as_bytes(), api.board.clock.now());
    known(api, id.as_bytes(), request, found).await?.ok_or_else(Problem::session_over)
}

/// Looks up what somebody is known by, unless too much that nobody is known by has come from his address.
async fn known(
    api: &Api,
    hash: &[u8],
    request: &HttpRequest,
    found: impl Future<Output = Result<Option<Holder>, Error>>,
) -> Result<Option<Holder>, Problem> {
    api.gate.may_try(hash, request.peer_addr().map(|address| address.ip()))?;
    let found = found.await?;
    match found {
        Some(_) => api.gate.is_good(hash),
        None => api.gate.is_bad(hash),
    }
    Ok(found)
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().copied().ok_or_else(Problem::unauthorized))
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::unauthorized))
    }
}

pub(super) fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}
