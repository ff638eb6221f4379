//! The contacts of a campaign as they are asked for: all or some, in the order of the list or another. The API's list and the
//! dashboard's are read here.
//!
//! No order but the list's and the numbers' stands in an index, for the dialer would pay for it with every call. So another is
//! only to be had of campaigns that are small enough to be read as a whole ([`MOST_SORTED`]).

use std::sync::LazyLock;

use uuid::Uuid;

use crate::db::campaigns::Campaign;
use crate::db::contacts::{
    BadMark, Behind, Contact, ContactFilter, Order, Search, SortedBy, list_contacts, list_sorted,
    search_contacts,
};
use crate::domain::contact::ContactState;
use crate::domain::names::UnknownName;
use crate::domain::outcome::Outcome;

use super::{Api, Problem, search};

/// Of so many contacts at most the first in any order are found, which takes some hundredths of a second.
pub(crate) const MOST_SORTED: u32 = 25_000;

/// The names of all orders.
pub(super) static ORDERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let both = SortedBy::ALL.iter().flat_map(|by| [by.to_string(), format!("-{by}")]);
    both.collect()
});

/// What is asked for, in words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked<'a> {
    /// Only those in this state.
    pub(crate) state: Option<&'a str>,
    /// Only those whose last call came to this.
    pub(crate) outcome: Option<&'a str>,
    /// Only those whom this finds.
    pub(crate) search: Option<&'a str>,
    /// The order, with a minus where the greatest come first.
    pub(crate) sort: Option<&'a str>,
    /// Only those behind this position.
    pub(crate) after: Option<i32>,
    /// What the contact there was sorted by.
    pub(crate) past: Option<&'a str>,
}

/// Who is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) state: Option<ContactState>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) search: Option<String>,
    pub(crate) order: Order,
    pub(crate) behind: Option<Behind>,
}

/// Those who were found.
pub(crate) struct Listed {
    pub(crate) contacts: Vec<Contact>,
    /// The position up to which it was looked, if others may stand behind it.
    pub(crate) looked_to: Option<i32>,
}

impl Wanted {
    /// Reads what is asked for.
    pub(crate) fn read(asked: &Asked<'_>) -> Result<Self, Problem> {
        let unknown = |unknown: UnknownName| Problem::invalid("bad-filter", unknown.to_string());
        let order = asked.sort.map(order).transpose().map_err(unknown)?.unwrap_or(Order::OF_THE_LIST);
        let mark = asked.past.unwrap_or_default();
        let behind = asked.after.filter(|after| *after != 0);
        if behind.is_some() {
            order
                .check(mark)
                .map_err(|bad: BadMark| Problem::invalid("bad-filter", format!("past: {bad}")))?;
        }
        let search = asked.search.map(str::trim).filter(|text| !text.is_empty());
        if let Some(text) = search {
            search::check(text)?;
        }
        Ok(Self {
            state: asked.state.map(ContactState::parse).transpose().map_err(unknown)?,
            outcome: asked.outcome.map(Outcome::parse).transpose().map_err(unknown)?,
            search: search.map(str::to_owned),
            order,
            behind: behind.map(|position| Behind { position, mark: mark.to_owned() }),
        })
    }

    /// Whether nobody is left out.
    pub(crate) fn is_everybody(&self) -> bool {
        self.state.is_none() && self.outcome.is_none() && self.search.is_none()
    }

    /// Whether so many contacts can be listed in an order, if they can in that of the list.
    pub(crate) fn can_be_sorted(&self, order: Order, contacts: u32) -> bool {
        contacts <= MOST_SORTED
            || order.by == SortedBy::Position
            || (order.has_index() && self.is_everybody())
    }
}

/// An order by its name: `name`, or `-name` from its end.
fn order(text: &str) -> Result<Order, UnknownName> {
    let by = text.strip_prefix('-');
    Ok(Order { by: SortedBy::parse(by.unwrap_or(text))?, descending: by.is_some() })
}

/// So many of a campaign's contacts as are wanted, at most. In the order of the list `most` of it are looked through; all of
/// it if that is not said.
pub(crate) async fn list(
    api: &Api,
    team: Uuid,
    campaign: &Campaign,
    wanted: &Wanted,
    (most, limit): (Option<i32>, i64),
) -> Result<Listed, Problem> {
    let (database, place) = (&api.board.database, (team, campaign.id));
    let order = wanted.order;
    let filter = ContactFilter {
        state: wanted.state,
        outcome: wanted.outcome,
        after: wanted.behind.as_ref().map_or(0, |behind| behind.position),
        backwards: order.descending,
    };
    let contacts = contacts(campaign);
    if !wanted.can_be_sorted(order, contacts) {
        return Err(too_many(order, contacts));
    }
    let search = match &wanted.search {
        Some(text) => search::read_for(text, &campaign.settings),
        None => Search::Anybody,
    };
    if order.by != SortedBy::Position {
        let behind = wanted.behind.as_ref();
        let contacts = list_sorted(database, place, (&filter, &search), (order, behind), limit).await?;
        return Ok(Listed { contacts, looked_to: None });
    }
    match most {
        Some(most) => {
            let found = search_contacts(database, place, &filter, &search, (most, limit)).await?;
            Ok(Listed { contacts: found.contacts, looked_to: found.looked_to })
        }
        None => {
            let contacts = list_contacts(database, team, campaign.id, &filter, limit).await?;
            Ok(Listed { contacts, looked_to: None })
        }
    }
}

/// All contacts of a campaign.
pub(crate) fn contacts(campaign: &Campaign) -> u32 {
    let counts = &campaign.counts;
    counts.pending + counts.calling + counts.completed + counts.failed + counts.suppressed
}

fn too_many(order: Order, contacts: u32) -> Problem {
    let detail = format!(
        "the campaign has {contacts} contacts, expected at most {MOST_SORTED} to sort them by {}; sort by position, or by phone \
         without a filter, or download the list",
        order.by
    );
    Problem::invalid("too-many-to-sort", detail).with("contacts", contacts).with("most", MOST_SORTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(sort: &str, state: Option<&str>) -> Result<Wanted, Problem> {
        Wanted::read(&Asked { sort: Some(sort), state, ..Asked::default() })
    }

    #[test]
    fn an_order_has_a_name_and_may_be_turned_round() {
        let read = |sort: &str| sorted(sort, None).map(|wanted| wanted.order);
        assert_eq!(read("-due").unwrap(), Order { by: SortedBy::Due, descending: true });
        assert_eq!(read("position").unwrap(), Order::OF_THE_LIST);
        for bad in ["", "-", "--name", "Name", "colour"] {
            assert!(read(bad).unwrap_err().to_string().contains("unknown order"), "{bad}");
        }
    }

    #[test]
    fn of_many_contacts_only_what_stands_in_an_index_is_sorted() {
        for (sort, state, is_possible) in [
            ("position", Some("failed"), true),
            ("-position", None, true),
            ("phone", None, true),
            ("phone", Some("failed"), false),
            ("name", None, false),
            ("-due", Some("pending"), false),
        ] {
            let wanted = sorted(sort, state).unwrap();
            assert_eq!(wanted.can_be_sorted(wanted.order, MOST_SORTED + 1), is_possible, "{sort} {state:?}");
            assert!(wanted.can_be_sorted(wanted.order, MOST_SORTED), "{sort} {state:?}");
        }
    }

    #[test]
    fn a_page_begins_behind_a_place_that_the_page_before_has_told() {
        let asked =
            |after, past| Asked { sort: Some("-attempts"), after: Some(after), past, ..Asked::default() };
        assert_eq!(
            Wanted::read(&asked(7, Some("3"))).unwrap().behind,
            Some(Behind { position: 7, mark: "3".to_owned() })
        );
        assert_eq!(Wanted::read(&asked(0, None)).unwrap().behind, None);
        for past in [None, Some("many")] {
            assert!(Wanted::read(&asked(7, past)).is_err(), "{past:?}");
        }
    }
}
