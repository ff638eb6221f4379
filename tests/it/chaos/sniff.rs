//! Reading along on a connection: where in the conversation it is, so that a fault can strike at a named point.
//!
//! It understands as little of the two protocols as that takes: the framing of PostgreSQL's messages and which
//! statement is bound (<https://www.postgresql.org/docs/current/protocol-message-formats.html>), and the end of an
//! HTTP/1.1 request with a `Content-Length`.

use std::collections::HashSet;

/// A point in a conversation at which a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The commit of a transaction in which a statement with these words ran.
    CommitOf(&'static str),
    /// The run of a statement with these words, outside of a transaction.
    RunOf(&'static str),
    /// A piece of a list on its way into the database.
    Copying,
    /// The last byte of a request to place a call.
    CallAskedFor,
}

/// Words of the statement that writes the intent to call.
pub const CLAIM: &str = "INSERT INTO attempts";
/// Words of the statement that applies an ended attempt.
pub const SETTLE: &str = "SET outcome = $2, settled_at = $3";
/// Words of the statement that makes a callback durable.
pub const RECORD: &str = "WITH heard AS";

/// What a client has sent so far on one connection.
#[derive(Debug, Default)]
pub struct Sniffer {
    speaks: Speaks,
    unread: Vec<u8>,
    /// The names of prepared statements with the words that are looked for.
    marked: HashSet<Vec<u8>>,
    /// Whether such a statement was bound since the last commit.
    is_bound: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Speaks {
    #[default]
    NothingYet,
    Http,
    Postgres,
}

impl Sniffer {
    /// Reads on, and says whether the point was reached within these bytes. A point that is asked for later is still
    /// found: which statements have the words of `point` is noted from the first byte on, for each of `words`.
    pub fn read(&mut self, bytes: &[u8], words: &[&'static str], point: Option<Point>) -> bool {
        if self.speaks == Speaks::NothingYet {
            let is_http = bytes.first().is_some_and(u8::is_ascii_uppercase);
            self.speaks = if is_http { Speaks::Http } else { Speaks::Postgres };
            if !is_http {
                // The first message has no type. It comes alone, as its answer is waited for.
                return false;
            }
        }
        self.unread.extend_from_slice(bytes);
        match self.speaks {
            Speaks::Http => self.read_requests(point),
            Speaks::Postgres | Speaks::NothingYet => self.read_messages(words, point),
        }
    }

    fn read_messages(&mut self, words: &[&'static str], point: Option<Point>) -> bool {
        let mut reached = false;
        while let Some(message) = self.next_message() {
            let body = &message[5..];
            match message[0] {
                b'P' => {
                    let name: Vec<u8> = body.iter().copied().take_while(|byte| *byte != 0).collect();
                    for words in words.iter().filter(|words| contains(body, words.as_bytes())) {
                        self.marked.insert(tagged(words, &name));
                    }
                }
                b'B' => {
                    let after_portal = body.iter().skip_while(|byte| **byte != 0).skip(1);
                    let name: Vec<u8> = after_portal.copied().take_while(|byte| *byte != 0).collect();
                    match point {
                        Some(Point::RunOf(words)) => {
                            reached |= self.marked.contains(&tagged(words, &name));
                        }
                        Some(Point::CommitOf(words)) => {
                            self.is_bound |= self.marked.contains(&tagged(words, &name));
                        }
                        _ => {}
                    }
                }
                b'Q' if body.starts_with(b"COMMIT\0") => {
                    reached |= matches!(point, Some(Point::CommitOf(_))) && self.is_bound;
                    self.is_bound = false;
                }
                b'Q' if body.starts_with(b"ROLLBACK") => self.is_bound = false,
                b'd' => reached |= point == Some(Point::Copying),
                _ => {}
            }
        }
        reached
    }

    fn next_message(&mut self) -> Option<Vec<u8>> {
        let length: [u8; 4] = self.unread.get(1..5)?.try_into().ok()?;
        let whole = u32::from_be_bytes(length) as usize + 1;
        (self.unread.len() >= whole).then(|| self.unread.drain(..whole).collect())
    }

    fn read_requests(&mut self, point: Option<Point>) -> bool {
        let mut reached = false;
        while let Some(end) = find(&self.unread, b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&self.unread[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if self.unread.len() < end + length {
                break;
            }
            let is_create = head.starts_with("post ") && head.contains("/calls.json http");
            reached |= is_create && point == Some(Point::CallAskedFor);
            self.unread.drain(..end + length);
        }
        reached
    }
}

fn tagged(words: &str, name: &[u8]) -> Vec<u8> {
    [words.as_bytes(), b"\0", name].concat()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &[CLAIM, RECORD];

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn connection() -> Sniffer {
        let mut sniffer = Sniffer::default();
        sniffer.read(&[0, 0, 0, 8, 0, 3, 0, 0], WORDS, None);
        sniffer.read(&message(b'P', b"s1\0 INSERT INTO attempts (id) VALUES ($1)\0\0\0"), WORDS, None);
        sniffer.read(&message(b'P', b"s2\0 WITH heard AS (SELECT 1) SELECT 2\0\0\0"), WORDS, None);
        sniffer
    }

    #[test]
    fn the_commit_of_a_claim_is_told_from_other_commits() {
        let mut sniffer = connection();
        let point = Some(Point::CommitOf(CLAIM));
        let commit = message(b'Q', b"COMMIT\0");
        assert!(!sniffer.read(&commit, WORDS, point), "nothing was claimed");
        assert!(!sniffer.read(&message(b'B', b"\0s2\0"), WORDS, point));
        assert!(!sniffer.read(&commit, WORDS, point), "something else was done");
        assert!(!sniffer.read(&message(b'B', b"\0s1\0"), WORDS, point));
        assert!(!sniffer.read(&commit[..3], WORDS, point), "the commit is not whole yet");
        assert!(sniffer.read(&commit[3..], WORDS, point));
        assert!(!sniffer.read(&commit, WORDS, point), "that was the next transaction's");
    }

    #[test]
    fn a_statement_is_found_by_its_words() {
        let mut sniffer = connection();
        let point = Some(Point::RunOf(RECORD));
        assert!(!sniffer.read(&message(b'B', b"\0s1\0"), WORDS, point));
        assert!(sniffer.read(&message(b'B', b"\0s2\0"), WORDS, point));
        assert!(sniffer.read(&message(b'd', b"row"), WORDS, Some(Point::Copying)));
    }

    #[test]
    fn a_request_to_place_a_call_is_whole_with_the_last_byte_of_its_form() {
        let mut sniffer = Sniffer::default();
        let point = Some(Point::CallAskedFor);
        assert!(!sniffer.read(b"GET /2010/Calls.json HTTP/1.1\r\nHost: x\r\n\r\n", WORDS, point));
        let head = b"POST /2010/Calls.json HTTP/1.1\r\nContent-Length: 4\r\n\r\nTo=";
        assert!(!sniffer.read(head, WORDS, point));
        assert!(sniffer.read(b"x", WORDS, point));
    }
}
