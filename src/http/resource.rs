//! What stands under one path, and what is answered to a method that it does not understand: those that it does.

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route, web};

use super::Problem;

/// A path with its methods.
pub(super) struct Methods {
    resource: Resource,
    understood: Vec<Method>,
}

/// What stands under this path. Without any method it understands none.
pub(super) fn resource(path: &str) -> Methods {
    Methods { resource: web::resource(path), understood: Vec::new() }
}

/// Declares how a method is answered, by its name.
macro_rules! method {
    ($name:ident, $method:ident) => {
        #[doc = concat!("Answers ", stringify!($method), ".")]
        pub(super) fn $name<F, Args>(self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.answer(Method::$method, web::$name().to(handler))
        }
    };
}

impl Methods {
    method!(get, GET);
    method!(post, POST);
    method!(put, PUT);
    method!(delete, DELETE);

    fn answer(mut self, method: Method, route: Route) -> Self {
        self.understood.push(method);
        Self { resource: self.resource.route(route), understood: self.understood }
    }
}

impl HttpServiceFactory for Methods {
    fn register(self, config: &mut AppService) {
        let understood = self.understood;
        let refuse = move |request: HttpRequest| {
            let problem = Problem::method_not_allowed(request.method(), &understood);
            async move { Err::<HttpResponse, Problem>(problem) }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}
