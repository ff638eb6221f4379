//! Reads server-sent events, as the HTML Living Standard (9.2.6) has them read.

use reqwest::Response;
use serde_json::Value;

use super::described::assert_one_shape_of_instants;

/// An event of a stream.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its number, if it has one of its own.
    pub id: Option<i64>,
    /// What happened.
    pub kind: String,
    /// All that was said of it.
    pub data: Value,
}

/// A stream that is being read.
pub struct Stream {
    response: Response,
    read: String,
    /// What a browser would come again with.
    pub last_event_id: Option<i64>,
}

impl Stream {
    /// Begins to read the body of this answer.
    pub fn of(response: Response) -> Self {
        let kind = response.headers()["content-type"].to_str().expect("a text").to_owned();
        assert_eq!(kind, "text/event-stream");
        Self { response, read: String::new(), last_event_id: None }
    }

    /// The next event. None when the stream has ended or broken off.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                if let Some(sent) = self.dispatch(&block) {
                    return Some(sent);
                }
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.read.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    fn dispatch(&mut self, block: &str) -> Option<Sent> {
        let (mut id, mut kind, mut data) = (None, None, None);
        for line in block.lines().filter(|line| !line.starts_with(':')) {
            let (field, value) = line.split_once(": ").unwrap_or((line, ""));
            match field {
                "id" => id = Some(value.parse().expect("a number")),
                "event" => kind = Some(value.to_owned()),
                "data" => data = Some(serde_json::from_str(value).expect("JSON")),
                "retry" => {}
                other => panic!("an unknown field {other:?}"),
            }
        }
        self.last_event_id = id.or(self.last_event_id);
        data.iter().for_each(assert_one_shape_of_instants);
        Some(Sent { id, kind: kind?, data: data? })
    }
}
