//! What stands under one path: who may ask for it, and what is answered to a method that it does not understand.
//!
//! A method of the API cannot be declared without the permission that it needs. What needs none is [`open`], and says
//! itself how it knows who asks. What the methods take and answer is told by [`Methods::described`], for the API's
//! description (`super::openapi`).

use actix_web::body::{BodySize, BoxBody, MessageBody, None as NoBody};
use actix_web::dev::{AppService, HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route, web};
use utoipa::openapi::OpenApi;

use crate::domain::access::Permission;

use super::Problem;
use super::auth::admit;

/// Makes the description of the methods under a path, by [`describe!`](super::openapi::describe).
pub(crate) type Describe = fn() -> OpenApi;

/// A path with its methods.
pub(crate) struct Methods {
    path: &'static str,
    resource: Resource,
    understood: Vec<(Method, Option<Permission>)>,
    description: Option<Describe>,
}

/// What stands under this path, for whoever has a key. Without any method it understands none.
pub(crate) fn resource(path: &'static str) -> Methods {
    Methods { path, resource: web::resource(path), understood: Vec::new(), description: None }
}

/// What stands under this path, for anybody.
pub(crate) fn open(path: &'static str) -> Open {
    Open(resource(path))
}

/// A path that anybody may ask for.
pub(crate) struct Open(Methods);

/// Answers HEAD as GET would be, without the body (RFC 9110, 9.3.2). One that would be written while it is sent is not even
/// begun.
async fn without_body(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(request).await?;
    // Of one whose length is known the length is told; the connection itself leaves its bytes out.
    Ok(answer.map_body(|_, body| match body.size() {
        BodySize::None | BodySize::Sized(_) => body,
        BodySize::Stream => BoxBody::new(NoBody::new()),
    }))
}

/// Declares how a method is answered, by its name.
macro_rules! method {
    ($name:ident, $method:ident) => {
        #[doc = concat!("Answers ", stringify!($method), " to those who may.")]
        pub(crate) fn $name<F, Args>(self, needs: Permission, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            let guard = from_fn(move |request, next| admit(needs, request, next));
            self.answer(Method::$method, Some(needs), web::$name().to(handler).wrap(guard))
        }
    };
}

/// Declares how a method is answered to anybody.
macro_rules! open_method {
    ($name:ident, $method:ident) => {
        #[doc = concat!("Answers ", stringify!($method), ".")]
        pub(crate) fn $name<F, Args>(self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Self(self.0.answer(Method::$method, None, web::$name().to(handler)))
        }
    };
}

impl Methods {
    /// Answers GET to those who may, and HEAD.
    pub(crate) fn get<F, Args>(self, needs: Permission, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let guard = || from_fn(move |request, next| admit(needs, request, next));
        let head = web::head().to(handler.clone()).wrap(guard()).wrap(from_fn(without_body));
        let heard = Self { resource: self.resource.route(head), ..self };
        heard.answer(Method::GET, Some(needs), web::get().to(handler).wrap(guard()))
    }

    method!(post, POST);
    method!(put, PUT);
    method!(patch, PATCH);
    method!(delete, DELETE);

    /// What its methods take and answer, as their handlers say it.
    pub(super) fn described(self, description: Describe) -> Self {
        Self { description: Some(description), ..self }
    }

    /// What its methods take and answer, if somebody has said it.
    pub(super) fn description(&self) -> Option<Describe> {
        self.description
    }

    /// The path, and each method with what it needs.
    pub(super) fn needs(&self) -> (&'static str, &[(Method, Option<Permission>)]) {
        (self.path, &self.understood)
    }

    fn answer(mut self, method: Method, needs: Option<Permission>, route: Route) -> Self {
        self.understood.push((method, needs));
        Self { resource: self.resource.route(route), ..self }
    }
}

impl Open {
    /// Answers GET, and HEAD.
    pub(crate) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let Self(methods) = self;
        let head = web::head().to(handler.clone()).wrap(from_fn(without_body));
        let heard = Methods { resource: methods.resource.route(head), ..methods };
        Self(heard.answer(Method::GET, None, web::get().to(handler)))
    }

    open_method!(post, POST);

    /// What its methods take and answer, as their handlers say it.
    pub(super) fn described(self, description: Describe) -> Methods {
        self.0.described(description)
    }
}

impl From<Open> for Methods {
    fn from(open: Open) -> Self {
        open.0
    }
}

impl HttpServiceFactory for Methods {
    fn register(self, config: &mut AppService) {
        let mut understood: Vec<Method> = self.understood.into_iter().map(|(method, _)| method).collect();
        if let Some(get) = understood.iter().position(|method| method == Method::GET) {
            understood.insert(get + 1, Method::HEAD);
        }
        let refuse = move |request: HttpRequest| {
            let problem = Problem::method_not_allowed(request.method(), &understood);
            async move { Err::<HttpResponse, Problem>(problem) }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}

impl HttpServiceFactory for Open {
    fn register(self, config: &mut AppService) {
        self.0.register(config);
    }
}
