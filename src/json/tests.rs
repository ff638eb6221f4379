use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    to: String,
    pages: Option<u32>,
    #[serde(default)]
    scale: f64,
    #[serde(default)]
    sealed: bool,
    #[serde(default)]
    size: Option<(u8, u8)>,
    #[serde(default)]
    copies: Vec<Copy>,
    #[serde(default)]
    kind: Kind,
    id: Option<Uuid>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Copy {
    to: String,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Plain,
    Registered(u32),
}

fn refused(text: &str) -> String {
    read::<Letter>(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn what_is_well_written_is_read_as_serde_json_reads_it() {
    for text in [
        r#"{"to":"Ada"}"#,
        r#"{"to":"Ada","pages":3,"scale":1.5,"sealed":true,"size":[1,2],"copies":[{"to":"Bea"}],"kind":"plain"}"#,
        r#"{"to":"Ada","pages":null,"scale":-2,"kind":{"registered":7},"id":"01981c2e-7f3a-7b5c-9d1e-2a3b4c5d6e7f"}"#,
    ] {
        assert_eq!(read::<Letter>(text.as_bytes()).unwrap(), serde_json::from_str(text).unwrap(), "{text}");
    }
    let anything = r#"{"a":[null,true,-1,18446744073709551615,0.5,"x",{"b":{}}]}"#;
    assert_eq!(read::<Value>(anything.as_bytes()).unwrap(), serde_json::from_str::<Value>(anything).unwrap());
}

#[test]
fn what_cannot_be_read_is_named_with_what_stands_there_and_what_was_expected() {
    for (text, sentence) in [
        (r#"{"to":5}"#, "to is 5, expected a text"),
        (r#"{"to":"A","pages":-1}"#, "pages is -1, expected a whole number that is not below 0"),
        (r#"{"to":"A","pages":3.5}"#, "pages is 3.5, expected a whole number that is not below 0"),
        (r#"{"to":"A","pages":5000000000}"#, "pages is 5000000000, expected a smaller number"),
        (r#"{"to":"A","scale":"big"}"#, "scale is \"big\", expected a number"),
        (r#"{"to":"A","sealed":"yes"}"#, "sealed is \"yes\", expected true or false"),
        (r#"{"to":"A","size":[1,2,3]}"#, "size is a list of 3, expected a list of 2"),
        (r#"{"to":"A","size":[1]}"#, "size is a list of 1, expected a list of 2"),
        (r#"{"to":"A","size":"1x2"}"#, "size is \"1x2\", expected a list of 2"),
        (r#"{"to":"A","copies":"Bea"}"#, "copies is \"Bea\", expected a list"),
        (r#"{"to":"A","copies":["Bea"]}"#, "copies[0] is \"Bea\", expected an object with the key to"),
        (r#"{"to":"A","copies":[{}]}"#, "copies[0].to is missing"),
        (r#"{"to":"A","copies":[{"to":"B","to":"C"}]}"#, "copies[0].to is there twice, expected it once"),
        (r#"{"to":"A","kind":"fast"}"#, "kind is \"fast\", expected one of plain, registered"),
        (r#"{"to":"A","kind":null}"#, "kind is null, expected one of plain, registered"),
        (
            r#"{"to":"A","kind":{"plain":null,"registered":1}}"#,
            "kind is an object with the keys plain, registered, expected exactly one key, one of plain, registered",
        ),
        (
            r#"{"to":"A","kind":"registered"}"#,
            "kind.registered is a name alone, expected an object in which that name is the key of what belongs to it",
        ),
        (r#"{"to":"A","id":"x"}"#, "id: expected an id such as 01981c2e-7f3a-7b5c-9d1e-2a3b4c5d6e7f"),
        (r#"{"to":"A","id":7}"#, "id is 7, expected an id"),
        (
            r#"{"to":"A","from":"B"}"#,
            "from is unknown, expected one of to, pages, scale, sealed, size, copies, kind, id",
        ),
        (r#"{"to":"A","copies":[{"to":"B","x":1}]}"#, "copies[0].x is unknown, expected to"),
        ("[]", "the JSON is a list, expected an object"),
        ("7", "the JSON is 7, expected an object"),
    ] {
        assert_eq!(refused(text), sentence, "{text}");
    }
    let long = refused(&format!(r#"{{"to":"A","pages":"{}"}}"#, "x".repeat(500)));
    assert!(long.len() < 150, "{long}");
}

#[test]
fn what_is_no_json_says_where_it_stops_being_it() {
    for (text, sentence) in [
        ("", "the text is empty, expected JSON"),
        (" \n", "the text is empty, expected JSON"),
        ("not json", "the text is no JSON from line 1, column 2 on"),
        ("{\n'to': 'A'}", "the text is no JSON from line 2, column 1 on"),
        (r#"{"to":"A",}"#, "the text is no JSON from line 1, column 11 on"),
        (r#"{"to":"A"} {}"#, "the text is no JSON from line 1, column 12 on"),
        (r#"{"to":"A"#, "the text ends at line 1, column 8, in the middle of its JSON"),
    ] {
        assert_eq!(refused(text), sentence, "{text}");
    }
    let latin = read::<Letter>(b"{\"to\":\"\xe9\"}").unwrap_err().to_string();
    assert_eq!(latin, "the text is not written in UTF-8, expected JSON");
    assert!(read::<Value>("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn a_parameter_stands_for_a_number_where_one_is_expected() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        limit: Option<i64>,
        name: Option<String>,
    }
    let query = |name: &str, value: &str| {
        let parameter = (name.to_owned(), Json::Parameter(value.to_owned()));
        shape::<Query>(Json::Object(vec![parameter]))
    };
    assert_eq!(query("limit", "-5").unwrap().limit, Some(-5));
    assert_eq!(query("name", "7").unwrap().name.as_deref(), Some("7"));
    assert_eq!(query("limit", "abc").unwrap_err().to_string(), "limit is \"abc\", expected a whole number");
    let unknown = query("colour", "red").unwrap_err().to_string();
    assert_eq!(unknown, "colour is unknown, expected one of limit, name");
}
