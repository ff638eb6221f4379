//! Who asks: an API key in the `Authorization` header, how often it may, and whether its role may do what is asked for.
//! What changes something is put on record here, before it is done.

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use std::future::{Ready, ready};
use uuid::Uuid;

use crate::db::keys::{Holder, find_holder};
use crate::domain::access::{Permission, Role};
use crate::keys::hash;

use super::audit::Trail;
use super::limits::Standing;
use super::{Api, Problem};

/// Somebody with a valid key that allows what is asked for. A handler that takes one cannot be reached without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// The team whose key it is.
    pub(super) team: Uuid,
    /// The key itself, by which it is known who did something.
    pub(super) key: Uuid,
    /// What the key is for.
    pub(super) role: Role,
}

/// Somebody who was let in.
struct Admitted {
    caller: Caller,
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
    let Admitted { caller, standing, trail } = match identify(needs, request.request()).await {
        Ok(admitted) => admitted,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    request.extensions_mut().insert(caller);
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

async fn identify(needs: Permission, request: &HttpRequest) -> Result<Admitted, Problem> {
    let key = bearer(request).map(|key| hash(&key));
    let api = request.app_data::<web::Data<Api>>();
    let (Some(key), Some(api)) = (key, api) else { return Err(Problem::unauthorized()) };
    let holder = hold(api, &key, request).await?;
    // How the servers are is asked for by what looks after them, which must not become blind.
    let standing = match needs {
        Permission::HealthRead => None,
        _ => api.gate.count(holder.key)?,
    };
    let trail = match *request.method() {
        Method::GET => None,
        _ => Some(Trail::begin(api, &holder, needs, request).await?),
    };
    let Holder { team, key, role, .. } = holder;
    if role.may(needs) {
        return Ok(Admitted { caller: Caller { team, key, role }, standing, trail });
    }
    let refused = Problem::forbidden(needs, role);
    if let Some(trail) = trail {
        trail.finish(refused.status_code()).await;
    }
    Err(refused)
}

/// Who holds the key with this hash.
async fn hold(api: &Api, key: &[u8], request: &HttpRequest) -> Result<Holder, Problem> {
    api.gate.may_try(key, request.peer_addr().map(|address| address.ip()))?;
    match find_holder(&api.board.database, key, api.board.clock.now()).await? {
        Some(holder) => {
            api.gate.is_good(key);
            Ok(holder)
        }
        None => {
            api.gate.is_bad(key);
            Err(Problem::unauthorized())
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().copied().ok_or_else(Problem::unauthorized))
    }
}

pub(super) fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}
