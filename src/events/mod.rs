//! What happens, as it is told to those who follow: in the order of its positions, each thing once, by one loop on each
//! node that reads for all of them together.
//!
//! The outbox is the truth, and whatever is told here is a copy. Who falls behind, or comes later, reads what is missing
//! there and then follows on.

mod relay;
mod told;

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::db::events::Progress;

pub use relay::{relay, relay_when_followed};
pub use told::{Told, ToldCampaign, ToldContact, ToldEvent, ToldKey, ToldProgress};

/// News that wait for the slowest of those who follow. Who is slower than that misses some, and reads them in the outbox.
const MOST_WAITING: usize = 64;

/// What is told to all who follow on this node.
#[derive(Debug, Clone)]
pub enum News {
    /// Events that are new.
    Events(Arc<Portion>),
    /// How far campaigns are to which something happened.
    Progress(Arc<[Progress]>),
}

/// Events that follow each other.
#[derive(Debug)]
pub struct Portion {
    /// The position before the first of them. Who has not seen that far has missed something.
    pub after: i64,
    /// The events.
    pub events: Vec<Told>,
}

impl Portion {
    /// The position up to which everything is told with it.
    pub fn until(&self) -> i64 {
        self.events.last().map_or(self.after, |last| last.position)
    }
}

/// Where those who follow are told what is new.
#[derive(Debug, Clone)]
pub struct Feed {
    news: broadcast::Sender<News>,
    /// Somebody began to follow.
    followed: Arc<Notify>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { news: broadcast::Sender::new(MOST_WAITING), followed: Arc::default() }
    }
}

impl Feed {
    /// From now on everything new. Before it can be followed on, what is in the outbox by then has to be read there.
    pub fn follow(&self) -> broadcast::Receiver<News> {
        let news = self.news.subscribe();
        self.followed.notify_one();
        news
    }

    fn is_followed(&self) -> bool {
        self.news.receiver_count() > 0
    }

    fn tell(&self, news: News) {
        // Nobody may be there to hear it any more.
        let _ = self.news.send(news);
    }
}

/// To which campaigns something happened that moves them on.
fn moved_on(portion: &Portion) -> impl Iterator<Item = Uuid> {
    portion.events.iter().map(|told| told.campaign)
}
