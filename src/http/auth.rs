//! Who asks: an API key in the `Authorization` header, and whether its role may do what is asked for.

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use std::future::{Ready, ready};
use uuid::Uuid;

use crate::db::keys::{Holder, find_holder};
use crate::domain::access::{Permission, Role};
use crate::keys::hash;

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

/// Lets those through whose key allows it. Of the others nothing is read but the head of the request.
pub(super) async fn admit(
    needs: Permission,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match identify(needs, request.request()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.call(request).await
        }
        Err(problem) => Ok(request.error_response(problem)),
    }
}

async fn identify(needs: Permission, request: &HttpRequest) -> Result<Caller, Problem> {
    let key = bearer(request).map(|key| hash(&key));
    let api = request.app_data::<web::Data<Api>>();
    let (Some(key), Some(api)) = (key, api) else { return Err(Problem::unauthorized()) };
    let holder = find_holder(&api.board.database, &key, api.board.clock.now()).await?;
    let Some(Holder { team, key, role }) = holder else { return Err(Problem::unauthorized()) };
    match role.may(needs) {
        true => Ok(Caller { team, key, role }),
        false => Err(Problem::forbidden(needs, role)),
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().copied().ok_or_else(Problem::unauthorized))
    }
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}
