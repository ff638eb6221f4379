//! Keyset pages: `limit`, and the place after which the page begins. The answer names what to ask for next, in its body
//! and as a link (RFC 8288).

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::names::UnknownName;

use super::Problem;
use super::problem::answer;

const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 1000;

/// How many a page holds.
pub(super) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=LARGEST_LIMIT => Ok(limit),
        limit => {
            Err(Problem::invalid("bad-limit", format!("limit is {limit}, expected 1 to {LARGEST_LIMIT}")))
        }
    }
}

/// What asks for the next page, by the last entry of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Before {
    /// The query's `before`.
    pub(super) before: Uuid,
}

/// What asks for the next page, by the last entry's position on this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AfterPosition {
    /// The query's `after`.
    pub(super) after: i32,
    /// The query's `past`. Only where the page is in another order than the list's and the numbers'.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "failed")]
    pub(super) past: Option<String>,
}

/// What asks for the next page, by the last entry of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AfterText {
    /// The query's `after`.
    #[schema(example = "+12025550101")]
    pub(super) after: String,
}

/// The rows of a page, and what asks for the next one, if there is one: `rows` holds up to one more than `limit`.
pub(crate) fn cut<T, C>(mut rows: Vec<T>, limit: i64, next: impl Fn(&T) -> C) -> (Vec<T>, Option<C>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(next);
    (rows, next)
}

/// A page as it is answered, with the address of the next one in the header `Link`.
#[derive(Debug)]
pub(super) struct Page {
    answer: HttpResponse,
    /// The query's parameters that ask for the next page, and their values; none on the last one.
    next: Vec<(String, String)>,
}

impl Page {
    /// Of this body, after which one asks for the next page so.
    pub(super) fn of(body: &impl Serialize, next: Option<&impl Serialize>) -> Self {
        let next = next.and_then(|next| serde_json::to_value(next).ok());
        let parameters = next.as_ref().and_then(Value::as_object).into_iter().flatten();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let next = parameters.map(|(parameter, value)| (parameter.clone(), text(value))).collect();
        Self { answer: answer(StatusCode::OK, body), next }
    }
}

impl Responder for Page {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let Self { mut answer, next } = self;
        if next.is_empty() {
            return answer;
        }
        let link = format!("<{}>; rel=\"next\"", address(request, &next));
        if let Ok(link) = HeaderValue::try_from(link) {
            answer.headers_mut().insert(LINK, link);
        }
        answer
    }
}

/// What is asked for, with other values of these parameters: relative to the server, whatever its name is to whoever asks.
fn address(request: &HttpRequest, others: &[(String, String)]) -> String {
    let all = form_urlencoded::parse(request.query_string().as_bytes());
    let stays = |name: &str| others.iter().all(|(other, _)| other != name);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(all.filter(|(name, _)| stays(name))).extend_pairs(others);
    format!("{}?{}", request.uri().path(), query.finish())
}

/// A name in the query, such as a state.
pub(super) fn named<T>(
    text: Option<&String>,
    parse: impl Fn(&str) -> Result<T, UnknownName>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).map_err(|error| Problem::invalid("bad-filter", error.to_string())))
        .transpose()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_if_there_is_one() {
        let shown = |count: i32| cut((1..=count).collect(), 3, |row| *row);
        assert_eq!(shown(3), (vec![1, 2, 3], None));
        assert_eq!(shown(4), (vec![1, 2, 3], Some(3)));
        assert!(limit(Some(0)).is_err() && limit(Some(1001)).is_err());
    }

    #[test]
    fn a_link_names_the_whole_address_of_the_next_page() {
        let link = |next: Option<Value>, uri: &str| {
            let page = Page::of(&json!({"rows": [], "next": next}), next.as_ref());
            let answer = page.respond_to(&TestRequest::with_uri(uri).to_http_request());
            answer.headers().get(LINK).map(|link| link.to_str().unwrap().to_owned())
        };
        assert_eq!(link(None, "/api/v1/rows?after=1"), None);
        assert_eq!(
            link(Some(json!({"after": 3})), "/api/v1/rows?state=a%26b&after=1&limit=3").unwrap(),
            "</api/v1/rows?state=a%26b&limit=3&after=3>; rel=\"next\""
        );
        assert_eq!(
            link(Some(json!({"after": 3, "past": "a b"})), "/api/v1/rows?after=1&past=a&sort=name").unwrap(),
            "</api/v1/rows?sort=name&after=3&past=a+b>; rel=\"next\""
        );
        let text = AfterText { after: "+1202".to_owned() };
        let next = serde_json::to_value(text).unwrap();
        assert_eq!(link(Some(next), "/api/v1/rows").unwrap(), "</api/v1/rows?after=%2B1202>; rel=\"next\"");
    }
}
