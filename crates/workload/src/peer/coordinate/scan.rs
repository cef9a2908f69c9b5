//! The scan of all items that the peers hold together: every item exactly once, also while copies
//! move.
//!
//! All peers list their items in the same order. Their lists are merged page by page, and of each
//! item only the newest version counts.

use super::{coordinator::Coordinator, item_request::peer_query, unavailable::Unavailable};
use crate::{
    backend::QueryLog,
    peer::{
        membership::{Fence, Layout, LayoutTransition, Phase},
        network::{ListReply, ListRequest, PeerRequestError},
        replica::ListedItem,
    },
    runtime::wall_millis,
    storage::Position,
};
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

/// Builds a result from the items of a scan.
pub(crate) trait Collector {
    /// Adds the next item. `Break` ends the scan: no further item is needed.
    fn add_item(&mut self, item: ListedItem) -> ControlFlow<()>;
}

/// Scans all items after the key `after`. Waits and starts again until the scan cannot have missed
/// an item, or a version of it, that was acknowledged before the call.
pub(crate) async fn collect_items<T: Collector + Default>(
    coordinator: &Coordinator,
    after: Option<&str>,
    deadline: Instant,
    log: QueryLog<'_>,
) -> Result<T, Unavailable> {
    let peer = &coordinator.peer;
    loop {
        let state = peer.member();
        let mut failures = BTreeMap::new();
        if let Phase::Active(transition) = &state.phase {
            let mut scan = MergedScan::new(transition, after);
            let mut collected = T::default();
            scan.collect_into(coordinator, &mut collected, log).await;
            // If this peer took a step during the scan, a copy may have moved from a list that was
            // not read yet to one that was.
            if scan.has_read_quorum(transition) && Arc::ptr_eq(&state, &peer.member()) {
                return Ok(collected);
            }
            failures = scan.failures;
        }
        if Instant::now() + coordinator.retry_pause >= deadline {
            coordinator.metrics.quorum_failures.inc();
            if let Some(reason) = Unavailable::of_phase(peer) {
                return Err(reason);
            }
            return Err(Unavailable::TooFewMembers { failures });
        }
        sleep(coordinator.retry_pause).await;
    }
}

/// The list of one peer, as far as it was read.
#[derive(Clone, Debug, Default)]
struct PeerScan {
    /// Items that were received and not yet merged.
    buffered: VecDeque<ListedItem>,
    /// The last key that was received.
    after: Option<String>,
    /// Whether all items were received.
    exhausted: bool,
}

/// An item's place in every list.
fn sort_key(key: &ItemKey) -> (Position, String) {
    let text = key.to_string();
    (Position::of_key(text.as_bytes()), text)
}

/// The lists of all peers, and why some could not be read.
#[derive(Debug, Default)]
struct MergedScan {
    fence: Fence,
    scans: BTreeMap<String, PeerScan>,
    failures: BTreeMap<String, String>,
}

impl MergedScan {
    /// The lists of all peers that may hold an item, from the key `after` on.
    fn new(transition: &LayoutTransition, after: Option<&str>) -> Self {
        let members = transition.write_layouts().flat_map(|layout| layout.members());
        let scan = PeerScan { after: after.map(str::to_owned), ..PeerScan::default() };
        let scans = members.map(|name| (name.clone(), scan.clone())).collect();
        let reads = transition.read_layouts().map(Layout::id).collect();
        Self { fence: Fence { reads, writes: vec![] }, scans, failures: BTreeMap::new() }
    }

    /// Whether no acknowledged write can be missing: under every layout that is read, fewer members
    /// failed than hold a write.
    fn has_read_quorum(&self, transition: &LayoutTransition) -> bool {
        transition.read_layouts().all(|layout| {
            let failed = layout.members().iter().filter(|name| !self.scans.contains_key(*name));
            !layout.may_hold_majority(&failed.cloned().collect())
        })
    }

    /// Reads the next page of each list of which all received items are merged.
    async fn fetch_pages(&mut self, coordinator: &Coordinator, log: QueryLog<'_>) {
        let mut requests = JoinSet::new();
        for (peer, scan) in &self.scans {
            if scan.exhausted || !scan.buffered.is_empty() {
                continue;
            }
            let (name, network) = (peer.clone(), Arc::clone(&coordinator.network));
            let request = ListRequest { after: scan.after.clone(), fence: self.fence.clone() };
            requests.spawn(async move {
                let start = Instant::now();
                let reply = network.list_page(&name, request).await;
                (name, start, reply)
            });
        }
        while let Some(request) = requests.join_next().await {
            // A task that panicked leaves its list as it was: the page is requested again.
            let Ok((name, start, reply)) = request else { continue };
            log(list_query(&name, start, &reply));
            self.add_page(name, reply);
        }
    }

    fn add_page(&mut self, name: String, reply: Result<ListReply, PeerRequestError>) {
        match reply {
            Ok(ListReply { counts_for_quorum: true, mut items, .. }) => {
                let now = wall_millis();
                items.iter_mut().for_each(|item| item.refuse_ahead(now));
                let scan = self.scans.entry(name).or_default();
                scan.exhausted = items.is_empty();
                scan.after = items.last().map(|last| last.key.to_string());
                scan.buffered = items.into();
            }
            // Whatever it holds, others hold too: it counts as failed.
            Ok(ListReply { counts_for_quorum: false, .. }) => {
                self.mark_failed(name, "it has not joined yet".to_owned());
            }
            Err(error) => self.mark_failed(name, error.to_string()),
        }
    }

    fn mark_failed(&mut self, name: String, reason: String) {
        self.scans.remove(&name);
        self.failures.insert(name, reason);
    }

    /// Takes the first item from all lists, in its newest version. `None` if a page must be fetched
    /// first, or all lists are exhausted.
    fn next_item(&mut self) -> Option<ListedItem> {
        if self.scans.values().any(|scan| scan.buffered.is_empty() && !scan.exhausted) {
            return None;
        }
        let heads = self.scans.values().filter_map(|scan| scan.buffered.front());
        let first = heads.map(|item| sort_key(&item.key)).min()?;
        let mut newest: Option<ListedItem> = None;
        for scan in self.scans.values_mut() {
            let is_same = scan.buffered.front().is_some_and(|item| sort_key(&item.key) == first);
            let Some(item) = is_same.then(|| scan.buffered.pop_front()).flatten() else { continue };
            let damaged = item.damaged || newest.as_ref().is_some_and(|newest| newest.damaged);
            let kept = match newest.take() {
                Some(newest) if newest.version >= item.version => newest,
                _ => item,
            };
            newest = Some(ListedItem { damaged, ..kept });
        }
        newest
    }

    fn is_exhausted(&self) -> bool {
        self.scans.values().all(|scan| scan.exhausted && scan.buffered.is_empty())
    }

    /// Adds item after item until all lists are exhausted or the collector needs no more.
    async fn collect_into(
        &mut self,
        coordinator: &Coordinator,
        collector: &mut impl Collector,
        log: QueryLog<'_>,
    ) {
        loop {
            while let Some(item) = self.next_item() {
                if collector.add_item(item).is_break() {
                    return;
                }
            }
            if self.is_exhausted() {
                return;
            }
            self.fetch_pages(coordinator, log).await;
        }
    }
}

fn list_query(name: &str, start: Instant, reply: &Result<ListReply, PeerRequestError>) -> Query {
    let items = reply.as_ref().map_or(&[][..], |reply| &reply.items);
    let bytes = items.iter().map(|item| item.key.to_string().len()).sum();
    peer_query(name, "list", start, bytes, None, reply.as_ref().err())
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
            let mut merged = MergedScan::default();
            for ((peer, item), version) in copies {
                let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
                let newest = expected.entry(key.to_string()).or_default();
                *newest = version.max(*newest);
                let version = Version { millis: version, counter: 0, writer: "a".into() };
                let scan = merged.scans.entry(format!("p-{peer}")).or_default();
                scan.buffered.push_back(ListedItem { key, version: Some(version), bytes: Some(1), damaged: false });
            }
            for scan in merged.scans.values_mut() {
                scan.buffered.make_contiguous().sort_by_key(|entry| sort_key(&entry.key));
                scan.exhausted = true;
            }
            let items: Vec<_> = std::iter::from_fn(|| merged.next_item()).collect();
            prop_assert!(merged.is_exhausted());
            prop_assert_eq!(items.len(), expected.len());
            for item in items {
                prop_assert_eq!(expected[&item.key.to_string()], item.version.unwrap().millis);
            }
        }
    }
}
