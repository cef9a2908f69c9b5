//! Making copies whole again: whoever holds an item sees to it that all who must hold it do.
//!
//! After every change of who is there or what is wanted, each peer walks once through all its
//! items, a page at a time: it tells each other owner the versions, which that one compares with
//! its own, and sends what is lacking. Memory and bandwidth are bounded by the page.

use super::{
    client::PeerRequestError,
    cluster_view::{ClusterView, ReplicaAssignment},
    peer_state::PeerState,
    replica::{ItemOnDisk, ReplicaError},
    wire::{DigestRequest, ItemCopy, ItemVersion},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Items in a page.
const PAGE_ITEMS: usize = 256;
/// Bytes of copies sent at once, beyond the first one.
const BATCH_BYTES: usize = 256 << 10;
/// How many times the settling delay a check is put off at most, while things go on changing.
const MAX_SETTLE_DELAYS: u32 = 5;

/// Sees to it that items are whole, as long as this is polled.
pub(super) async fn run(node: &Arc<PeerState>) {
    let mut down = BTreeMap::new();
    let mut done: Option<ClusterView> = None;
    loop {
        let now = current_view(node, &mut down);
        if now.is_none() || now == done {
            tokio::select! {
                () = wait_for_change(node) => {}
                () = node.replication.recheck_requested() => done = None,
            }
            continue;
        }
        let Some(settled) = wait_until_stable(node, &mut down).await else { continue };
        match sweep(node, &settled).await {
            Ok(failed) => {
                node.replication.checked_peers.send_replace(settled.checked_peers(&failed));
                done = failed.is_empty().then_some(settled);
            }
            Err(error) => {
                tracing::error!(%error, "cannot check the items");
                done = None;
            }
        }
        if done.is_none() {
            sleep(node.timing.settle_delay).await;
        }
    }
}

/// The situation now. `down` remembers since when members are down.
fn current_view(node: &PeerState, down: &mut BTreeMap<String, Instant>) -> Option<ClusterView> {
    let (state, reports) = (node.state(), node.reports());
    let missing = state.configured.members().iter();
    let missing = missing.filter(|name| *name != node.me() && !reports.is_live(name));
    let missing: BTreeSet<&String> = missing.collect();
    down.retain(|name, _| missing.contains(name));
    for name in missing {
        down.entry(name.clone()).or_insert_with(Instant::now);
    }
    let long = down.iter().filter(|(_, since)| since.elapsed() >= node.timing.stand_in_delay);
    let absent = long.map(|(name, _)| name.clone()).collect();
    ClusterView::new(node.me(), &state, &reports, &absent)
}

/// Ends when something may have changed, at the latest after the settling delay.
async fn wait_for_change(node: &PeerState) {
    let (mut state, mut reports) = (node.state.subscribe(), node.reports.subscribe());
    let change = async {
        tokio::select! {
            _ = state.changed() => {}
            _ = reports.changed() => {}
        }
    };
    // Also time alone changes a situation: somebody is down for long.
    let _ = timeout(node.timing.settle_delay, change).await;
}

/// Waits until the situation has not changed for a while, but not for ever.
async fn wait_until_stable(
    node: &PeerState,
    down: &mut BTreeMap<String, Instant>,
) -> Option<ClusterView> {
    let latest = Instant::now() + node.timing.settle_delay * MAX_SETTLE_DELAYS;
    let mut settled = current_view(node, down);
    let mut since = Instant::now();
    while since.elapsed() < node.timing.settle_delay && Instant::now() < latest {
        sleep(node.timing.settle_delay / 10).await;
        let now = current_view(node, down);
        if now != settled {
            (settled, since) = (now, Instant::now());
        }
    }
    settled
}

/// Walks through all items. Gives the peers to which not everything could be given.
async fn sweep(
    node: &Arc<PeerState>,
    situation: &ClusterView,
) -> Result<BTreeSet<String>, ReplicaError> {
    node.replication.start_sweep(situation.clone(), node.replica().count());
    let mut failed = BTreeSet::new();
    let mut after: Option<String> = None;
    loop {
        let page = node.replica().read_page(after.as_deref(), PAGE_ITEMS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.to_string());
        let duties: Vec<(ItemOnDisk, ReplicaAssignment)> = page
            .into_iter()
            .map(|item| {
                let duty = situation.assignment(&item.key);
                (item, duty)
            })
            .collect();
        let failures = push_page(node, &duties).await;
        finish_page(node, &duties, &failures).await?;
        failed.extend(failures.into_keys());
    }
    node.replication.finish_sweep();
    Ok(failed)
}

/// Gives everybody what they lack of a page. The peers to which that failed, and why.
async fn push_page(
    node: &Arc<PeerState>,
    duties: &[(ItemOnDisk, ReplicaAssignment)],
) -> BTreeMap<String, PeerRequestError> {
    let mut shares: BTreeMap<String, Vec<ItemOnDisk>> = BTreeMap::new();
    for (item, duty) in duties {
        for other in &duty.other_holders {
            shares.entry(other.clone()).or_default().push(item.clone());
        }
    }
    let mut givings = JoinSet::new();
    for (other, items) in shares {
        let node = Arc::clone(node);
        givings.spawn(async move {
            let given = push_missing(&node, &other, items).await;
            (other, given)
        });
    }
    let mut failures = BTreeMap::new();
    while let Some(given) = givings.join_next().await {
        if let Ok((other, Err(error))) = given {
            tracing::info!(peer = other, %error, "could not give copies; trying again");
            failures.insert(other, error);
        }
    }
    failures
}

/// Gives one peer what it lacks of these.
async fn push_missing(
    node: &PeerState,
    other: &str,
    items: Vec<ItemOnDisk>,
) -> Result<(), PeerRequestError> {
    let mark =
        |item: &ItemOnDisk| ItemVersion { key: item.key.clone(), version: item.version.clone() };
    let digest = DigestRequest { items: items.iter().map(mark).collect() };
    let lacks = node.send_request(other, &digest, node.timing.attempt_timeout).await?;
    if lacks.len() != items.len() {
        return Err(PeerRequestError::Malformed(format!(
            "{} of {} items",
            lacks.len(),
            items.len()
        )));
    }
    let mut batch: Vec<ItemCopy> = Vec::new();
    let mut bytes = 0;
    for (item, lacking) in items.into_iter().zip(lacks) {
        if lacking {
            bytes += item.bytes.len();
            let copy = item.to_copy();
            batch.push(copy.map_err(|error| PeerRequestError::Malformed(error.to_string()))?);
        }
        if bytes >= BATCH_BYTES {
            send_batch(node, other, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    send_batch(node, other, batch).await
}

async fn send_batch(
    node: &PeerState,
    other: &str,
    batch: Vec<ItemCopy>,
) -> Result<(), PeerRequestError> {
    if batch.is_empty() {
        return Ok(());
    }
    let count = batch.len() as u64;
    node.write_copies(other, batch).await?;
    node.metrics.repairs.inc_by(count);
    Ok(())
}

/// Counts what of a page is whole now, and drops what only others need to hold.
async fn finish_page(
    node: &PeerState,
    duties: &[(ItemOnDisk, ReplicaAssignment)],
    failures: &BTreeMap<String, PeerRequestError>,
) -> Result<(), ReplicaError> {
    let mut lacking = 0;
    for (item, duty) in duties {
        if duty.owner_down || duty.other_holders.iter().any(|other| failures.contains_key(other)) {
            lacking += 1;
        } else if duty.surplus {
            node.replica().drop_copy(item).await?;
            node.metrics.copies_dropped.inc();
        }
    }
    node.replication.checked(duties.len() as u64, lacking);
    Ok(())
}
