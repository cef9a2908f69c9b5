//! What all peers hold together: every item exactly once, also while copies move.
//!
//! All peers list their items in the same order; their lists are merged as they come, page by page,
//! and of each item the newest version counts.

use super::{
    client::PeerRequestError,
    coordinator::PeerQueryLog,
    peer_state::PeerState,
    phase::Phase,
    transition::LayoutTransition,
    unavailable::Unavailable,
    wire::{ListReply, ListRequest, ListedItem},
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
pub(super) trait Collector {
    /// The next item. It may break off: what comes after it is not wanted.
    fn add_item(&mut self, entry: ListedItem) -> ControlFlow<()>;
}

/// Gathers from all items after the key `after`. Holds and begins again until no item can have been
/// missed that was acknowledged before this was asked for, and no version that was.
pub(super) async fn collect_items<T: Collector + Default>(
    node: &Arc<PeerState>,
    after: Option<&str>,
    deadline: Instant,
    note: PeerQueryLog<'_>,
) -> Result<T, Unavailable> {
    loop {
        let state = node.state();
        let mut failures = BTreeMap::new();
        if let Phase::Active(standing) = &state.phase {
            let mut lists = MergedScan::new(standing, after);
            let mut gathered = T::default();
            lists.collect_into(node, &mut gathered, note).await;
            // Where the peer has taken a step meanwhile, copies may have moved from a list that was
            // not read yet to one that was.
            if lists.has_read_quorum(standing) && Arc::ptr_eq(&state, &node.state()) {
                return Ok(gathered);
            }
            failures = lists.failures;
        }
        if Instant::now() + node.timing.retry_pause >= deadline {
            node.metrics.quorum_failures.inc();
            let not_joined = Unavailable::NotJoined { peer: node.me().to_owned() };
            let joined = node.transition().is_some();
            return Err(if joined { Unavailable::TooFewMembers { failures } } else { not_joined });
        }
        sleep(node.timing.retry_pause).await;
    }
}

/// The list of one peer.
#[derive(Clone, Debug, Default)]
struct PeerScan {
    /// What has come and was not yet counted.
    buffered: VecDeque<ListedItem>,
    /// The last key that has come.
    after: Option<String>,
    /// Whether all has come.
    exhausted: bool,
}

/// An item's place in every list.
fn sort_key(key: &ItemKey) -> (Position, String) {
    let text = key.to_string();
    (Position::of_key(text.as_bytes()), text)
}

/// The lists of all peers, and what went wrong with some.
#[derive(Debug, Default)]
struct MergedScan {
    scans: BTreeMap<String, PeerScan>,
    failures: BTreeMap<String, String>,
}

impl MergedScan {
    /// The lists of all who may hold an item, from the key `after` on.
    fn new(standing: &LayoutTransition, after: Option<&str>) -> Self {
        let members = standing.write_layouts().flat_map(|layout| layout.members());
        let list = PeerScan { after: after.map(str::to_owned), ..PeerScan::default() };
        let scans = members.map(|name| (name.clone(), list.clone())).collect();
        Self { scans, failures: BTreeMap::new() }
    }

    /// Whether no acknowledged write can have been missed: in every layout that is read, fewer
    /// members are missing than hold a write.
    fn has_read_quorum(&self, standing: &LayoutTransition) -> bool {
        standing.read_layouts().all(|layout| {
            let missing = layout.members().iter().filter(|name| !self.scans.contains_key(*name));
            missing.count() < layout.write_quorum()
        })
    }

    /// Gets the next page of each list of which all that came was counted.
    async fn fetch_pages(&mut self, node: &Arc<PeerState>, note: PeerQueryLog<'_>) {
        let mut asks = JoinSet::new();
        let spent =
            self.scans.iter().filter(|(_, list)| list.buffered.is_empty() && !list.exhausted);
        for (name, list) in spent {
            let name = name.clone();
            let (node, page) = (Arc::clone(node), ListRequest { after: list.after.clone() });
            asks.spawn(async move {
                let start = Instant::now();
                let listed = node.list_page(&name, page).await;
                (name, start, listed)
            });
        }
        while let Some(asked) = asks.join_next().await {
            let Ok((name, start, listed)) = asked else { continue };
            note(list_query(&name, start, &listed));
            self.add_page(name, listed);
        }
    }

    fn add_page(&mut self, name: String, listed: Result<ListReply, PeerRequestError>) {
        match listed {
            Ok(ListReply { counts_for_quorum: true, items }) => {
                let list = self.scans.entry(name).or_default();
                list.exhausted = items.is_empty();
                list.after = items.last().map(|last| last.key.to_string());
                list.buffered = items.into();
            }
            // What it has others have too: it counts as missing.
            Ok(ListReply { counts_for_quorum: false, .. }) => {
                self.mark_failed(name, "it has not joined yet".to_owned())
            }
            Err(error) => self.mark_failed(name, error.to_string()),
        }
    }

    fn mark_failed(&mut self, name: String, reason: String) {
        self.scans.remove(&name);
        self.failures.insert(name, reason);
    }

    /// Takes the first item from all lists: its newest version. None if a list must be refilled
    /// first, or all have ended.
    fn next_item(&mut self) -> Option<ListedItem> {
        if self.scans.values().any(|list| list.buffered.is_empty() && !list.exhausted) {
            return None;
        }
        let fronts = self.scans.values().filter_map(|list| list.buffered.front());
        let first = fronts.map(|entry| sort_key(&entry.key)).min()?;
        let mut newest: Option<ListedItem> = None;
        for list in self.scans.values_mut() {
            let same = list.buffered.front().is_some_and(|entry| sort_key(&entry.key) == first);
            let Some(entry) = same.then(|| list.buffered.pop_front()).flatten() else { continue };
            if newest.as_ref().is_none_or(|newest| newest.version < entry.version) {
                newest = Some(entry);
            }
        }
        newest
    }

    fn is_exhausted(&self) -> bool {
        self.scans.values().all(|list| list.exhausted && list.buffered.is_empty())
    }

    /// Gives item after item until all lists have ended or no more are wanted.
    async fn collect_into(
        &mut self,
        node: &Arc<PeerState>,
        into: &mut impl Collector,
        note: PeerQueryLog<'_>,
    ) {
        loop {
            while let Some(entry) = self.next_item() {
                if into.add_item(entry).is_break() {
                    return;
                }
            }
            if self.is_exhausted() {
                return;
            }
            self.fetch_pages(node, note).await;
        }
    }
}

fn list_query(name: &str, start: Instant, listed: &Result<ListReply, PeerRequestError>) -> Query {
    let items = listed.as_ref().map_or(&[][..], |listed| &listed.items);
    Query {
        to: name.to_owned(),
        command: "list".to_owned(),
        count: 1,
        bytes: items.iter().map(|entry| entry.key.to_string().len() as u64).sum(),
        micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        version: None,
        error: listed.as_ref().err().map(PeerRequestError::to_string),
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
            let mut lists = MergedScan::default();
            for ((peer, item), version) in copies {
                let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
                let newest = expected.entry(key.to_string()).or_default();
                *newest = version.max(*newest);
                let version = Version { millis: version, counter: 0, writer: "a".into() };
                let list = lists.scans.entry(format!("p-{peer}")).or_default();
                list.buffered.push_back(ListedItem { key, version, bytes: 1 });
            }
            for list in lists.scans.values_mut() {
                list.buffered.make_contiguous().sort_by_key(|entry| sort_key(&entry.key));
                list.exhausted = true;
            }
            let merged: Vec<_> = std::iter::from_fn(|| lists.next_item()).collect();
            prop_assert!(lists.is_exhausted());
            prop_assert_eq!(merged.len(), expected.len());
            for entry in merged {
                prop_assert_eq!(expected[&entry.key.to_string()], entry.version.millis);
            }
        }
    }
}
