//! What all peers hold together: every item exactly once, also while copies move.
//!
//! All peers list their items in the same order; their lists are merged as they come, page by page,
//! and of each item the newest version counts.

use super::{
    ask::Note,
    fellows::AskError,
    node::Node,
    phase::Phase,
    standing::Standing,
    unavailable::Unavailable,
    wire::{Entry, Listed, Page},
};
use crate::storage::Position;
use maquette_contract::{ItemKey, Query};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// What is made of the items, which come one after another.
pub(super) trait Gather {
    /// The next item. It may break off: what comes after it is not wanted.
    fn add(&mut self, entry: Entry) -> ControlFlow<()>;
}

/// Gathers from all items after the key `after`. Holds and begins again until no item can have been
/// missed that was acknowledged before this was asked for, and no version that was.
pub(super) async fn gather<T: Gather + Default>(
    node: &Arc<Node>,
    after: Option<&str>,
    deadline: Instant,
    note: Note<'_>,
) -> Result<T, Unavailable> {
    loop {
        let state = node.state();
        let mut failures = BTreeMap::new();
        if let Phase::Active(standing) = &state.phase {
            let mut lists = Lists::new(standing, after);
            let mut gathered = T::default();
            lists.walk(node, &mut gathered, note).await;
            // Where the peer has taken a step meanwhile, copies may have moved from a list that was
            // not read yet to one that was.
            if lists.is_truthful(standing) && Arc::ptr_eq(&state, &node.state()) {
                return Ok(gathered);
            }
            failures = lists.failures;
        }
        if Instant::now() + node.timing.pause >= deadline {
            node.meters.unavailable.inc();
            let not_joined = Unavailable::NotJoined { peer: node.me().to_owned() };
            let joined = node.standing().is_some();
            return Err(if joined { Unavailable::Members { failures } } else { not_joined });
        }
        sleep(node.timing.pause).await;
    }
}

/// The list of one peer.
#[derive(Clone, Debug, Default)]
struct List {
    /// What has come and was not yet counted.
    entries: VecDeque<Entry>,
    /// The last key that has come.
    after: Option<String>,
    /// Whether all has come.
    ended: bool,
}

/// An item's place in every list.
fn place(key: &ItemKey) -> (Position, String) {
    let text = key.to_string();
    (Position::of(text.as_bytes()), text)
}

/// The lists of all peers, and what went wrong with some.
#[derive(Debug, Default)]
struct Lists {
    lists: BTreeMap<String, List>,
    failures: BTreeMap<String, String>,
}

impl Lists {
    /// The lists of all who may hold an item, from the key `after` on.
    fn new(standing: &Standing, after: Option<&str>) -> Self {
        let members = standing.writes().flat_map(|layout| layout.members());
        let list = List { after: after.map(str::to_owned), ..List::default() };
        let lists = members.map(|name| (name.clone(), list.clone())).collect();
        Self { lists, failures: BTreeMap::new() }
    }

    /// Whether no acknowledged write can have been missed: in every layout that is read, fewer
    /// members are missing than hold a write.
    fn is_truthful(&self, standing: &Standing) -> bool {
        standing.reads().all(|layout| {
            let missing = layout.members().iter().filter(|name| !self.lists.contains_key(*name));
            missing.count() < layout.majority()
        })
    }

    /// Gets the next page of each list of which all that came was counted.
    async fn refill(&mut self, node: &Arc<Node>, note: Note<'_>) {
        let mut asks = JoinSet::new();
        let spent = self.lists.iter().filter(|(_, list)| list.entries.is_empty() && !list.ended);
        for (name, list) in spent {
            let name = name.clone();
            let (node, page) = (Arc::clone(node), Page { after: list.after.clone() });
            asks.spawn(async move {
                let start = Instant::now();
                let listed = node.ask_page(&name, page).await;
                (name, start, listed)
            });
        }
        while let Some(asked) = asks.join_next().await {
            let Ok((name, start, listed)) = asked else { continue };
            note(query(&name, start, &listed));
            self.add(name, listed);
        }
    }

    fn add(&mut self, name: String, listed: Result<Listed, AskError>) {
        match listed {
            Ok(Listed { votes: true, items }) => {
                let list = self.lists.entry(name).or_default();
                list.ended = items.is_empty();
                list.after = items.last().map(|last| last.key.to_string());
                list.entries = items.into();
            }
            // What it has others have too: it counts as missing.
            Ok(Listed { votes: false, .. }) => self.fail(name, "it has not joined yet".to_owned()),
            Err(error) => self.fail(name, error.to_string()),
        }
    }

    fn fail(&mut self, name: String, reason: String) {
        self.lists.remove(&name);
        self.failures.insert(name, reason);
    }

    /// Takes the first item from all lists: its newest version. None if a list must be refilled
    /// first, or all have ended.
    fn next(&mut self) -> Option<Entry> {
        if self.lists.values().any(|list| list.entries.is_empty() && !list.ended) {
            return None;
        }
        let fronts = self.lists.values().filter_map(|list| list.entries.front());
        let first = fronts.map(|entry| place(&entry.key)).min()?;
        let mut newest: Option<Entry> = None;
        for list in self.lists.values_mut() {
            let same = list.entries.front().is_some_and(|entry| place(&entry.key) == first);
            let Some(entry) = same.then(|| list.entries.pop_front()).flatten() else { continue };
            if newest.as_ref().is_none_or(|newest| newest.version < entry.version) {
                newest = Some(entry);
            }
        }
        newest
    }

    fn have_ended(&self) -> bool {
        self.lists.values().all(|list| list.ended && list.entries.is_empty())
    }

    /// Gives item after item until all lists have ended or no more are wanted.
    async fn walk(&mut self, node: &Arc<Node>, into: &mut impl Gather, note: Note<'_>) {
        loop {
            while let Some(entry) = self.next() {
                if into.add(entry).is_break() {
                    return;
                }
            }
            if self.have_ended() {
                return;
            }
            self.refill(node, note).await;
        }
    }
}

fn query(name: &str, start: Instant, listed: &Result<Listed, AskError>) -> Query {
    let items = listed.as_ref().map_or(&[][..], |listed| &listed.items);
    Query {
        to: name.to_owned(),
        command: "list".to_owned(),
        count: 1,
        bytes: items.iter().map(|entry| entry.key.to_string().len() as u64).sum(),
        micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        version: None,
        error: listed.as_ref().err().map(AskError::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::Version;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_item_counts_once_with_its_newest_version(
            copies in prop::collection::btree_map((0_usize..4, 0_u32..60), 1_u64..9, 0..150),
        ) {
            let mut expected = BTreeMap::<String, u64>::new();
            let mut lists = Lists::default();
            for ((peer, item), version) in copies {
                let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
                let newest = expected.entry(key.to_string()).or_default();
                *newest = version.max(*newest);
                let version = Version { millis: version, counter: 0, writer: "a".into() };
                let list = lists.lists.entry(format!("p-{peer}")).or_default();
                list.entries.push_back(Entry { key, version, bytes: 1 });
            }
            for list in lists.lists.values_mut() {
                list.entries.make_contiguous().sort_by_key(|entry| place(&entry.key));
                list.ended = true;
            }
            let merged: Vec<_> = std::iter::from_fn(|| lists.next()).collect();
            prop_assert!(lists.have_ended());
            prop_assert_eq!(merged.len(), expected.len());
            for entry in merged {
                prop_assert_eq!(expected[&entry.key.to_string()], entry.version.millis);
            }
        }
    }
}
