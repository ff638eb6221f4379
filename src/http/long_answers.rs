//! How many answers may be under way at a time that last as long as whoever reads them likes: streams of events, and lists
//! that are taken away as files. Each holds a connection, and what is left of those must do for webhooks and health.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use uuid::Uuid;

use super::Problem;

/// When it is worth coming again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Counts long answers.
#[derive(Debug)]
pub struct LongAnswers {
    most: usize,
    most_of_a_key: usize,
    under_way: Arc<Mutex<UnderWay>>,
}

/// Those that are under way.
#[derive(Debug, Default)]
struct UnderWay {
    all: usize,
    by_key: HashMap<Option<Uuid>, usize>,
}

/// One that is under way for as long as this is there.
#[derive(Debug)]
pub(super) struct LongAnswer {
    key: Option<Uuid>,
    under_way: Arc<Mutex<UnderWay>>,
}

impl LongAnswers {
    /// Lets so many be under way, and so many of them for one key.
    pub fn new(most: usize, most_of_a_key: usize) -> Self {
        Self { most, most_of_a_key, under_way: Arc::default() }
    }

    /// Counts one more for this key, or for whoever has none and the database, or refuses it if there are too many.
    pub(super) fn begin(&self, key: Option<Uuid>) -> Result<LongAnswer, Problem> {
        let mut under_way = lock(&self.under_way);
        let of_key = under_way.by_key.get(&key).copied().unwrap_or(0);
        if of_key >= self.most_of_a_key {
            let detail = format!(
                "an API key may have {} streams and downloads open at a time; close one, or try again later",
                self.most_of_a_key
            );
            return Err(Problem::too_many_streams(detail, AGAIN_AFTER));
        }
        if under_way.all >= self.most {
            let detail = format!(
                "this server has {} streams and downloads open, as many as it may; try again later",
                self.most
            );
            return Err(Problem::too_many_streams(detail, AGAIN_AFTER));
        }
        under_way.all += 1;
        under_way.by_key.insert(key, of_key + 1);
        Ok(LongAnswer { key, under_way: self.under_way.clone() })
    }
}

impl LongAnswer {
    /// The answer itself, which lasts as long as this is there.
    pub(super) fn of<S: Stream>(self, chunks: S) -> impl Stream<Item = S::Item> + use<S> {
        chunks.map(move |chunk| {
            let _is_under_way = &self;
            chunk
        })
    }
}

impl Drop for LongAnswer {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        under_way.all -= 1;
        match under_way.by_key.remove(&self.key) {
            None | Some(..=1) => {}
            Some(others) => {
                under_way.by_key.insert(self.key, others - 1);
            }
        }
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_share_the_server_its_own_and_what_ends_is_given_back() {
        let answers = LongAnswers::new(3, 2);
        let [one, other, third] = [1, 2, 3].map(|number| Some(Uuid::from_u128(number)));
        let first = answers.begin(one).unwrap();
        let _second = answers.begin(one).unwrap();
        let refused = answers.begin(one).unwrap_err().to_string();
        assert_eq!(
            refused,
            "too-many-streams: an API key may have 2 streams and downloads open at a time; close one, or try again later"
        );
        let last = answers.begin(other).unwrap();
        assert!(answers.begin(third).unwrap_err().to_string().contains("this server has 3"));
        drop(last);
        assert!(answers.begin(one).is_err(), "another's end is not its own");
        drop(first);
        let _again = answers.begin(one).unwrap();
        let all = answers.begin(third).unwrap();
        drop(all.of(futures_util::stream::empty::<()>()));
        let under_way = lock(&answers.under_way);
        assert_eq!((under_way.all, under_way.by_key.len()), (2, 1), "nobody who has gone is remembered");
    }
}
