//! Server-sent events (HTML Living Standard, 9.2.6), as far as the server sends them.

use reqwest::Response;
use serde_json::Value;

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) kind: String,
    pub(super) data: Value,
}

/// What is read of a stream.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    read: Vec<u8>,
    /// What to come again with when the connection is lost.
    pub(super) last_event_id: Option<String>,
}

impl Blocks {
    /// Takes what has come, and returns the events that are whole with it.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Vec<Sent> {
        self.read.extend_from_slice(chunk);
        let mut sent = Vec::new();
        while let Some(end) = self.read.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.read.drain(..end + 2).collect();
            sent.extend(self.dispatch(&String::from_utf8_lossy(&block)));
        }
        sent
    }

    fn dispatch(&mut self, block: &str) -> Option<Sent> {
        let (mut kind, mut data) = (None, None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.last_event_id = Some(id.to_owned()),
                Some(("event", said)) => kind = Some(said.to_owned()),
                Some(("data", said)) => data = serde_json::from_str(said).ok(),
                Some(_) | None => {}
            }
        }
        Some(Sent { kind: kind?, data: data? })
    }

    /// The next events of an answer. None when it has ended or broken off.
    pub(super) async fn read(&mut self, answer: &mut Response) -> Option<Vec<Sent>> {
        let chunk = answer.chunk().await.ok().flatten()?;
        Some(self.take(&chunk))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_whole_however_they_are_cut_and_heartbeats_say_how_far_one_is() {
        let text =
            "retry: 2000\n\nid: 7\nevent: attempt.ended\ndata: {\"a\":\"é\"}\n\n: heartbeat\nid: 9\n\n";
        for size in 1..text.len() {
            let mut blocks = Blocks::default();
            let sent: Vec<Sent> = text.as_bytes().chunks(size).flat_map(|chunk| blocks.take(chunk)).collect();
            assert_eq!(sent, [Sent { kind: "attempt.ended".to_owned(), data: json!({"a": "é"}) }]);
            assert_eq!(blocks.last_event_id.as_deref(), Some("9"));
        }
    }
}
