//! Making copies whole again: whoever holds an item sees to it that all who must hold it do.
//!
//! After every change of who is there or what is wanted, each peer walks once through all its
//! items, a page at a time: it tells each other owner the versions, which that one compares with
//! its own, and sends what is lacking. Memory and bandwidth are bounded by the page.

use super::{
    fellows::AskError,
    node::Node,
    replica::{OnDisk, ReplicaError},
    situation::{Duty, Situation},
    wire::{Copy, Digest, Mark},
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
const PAGE: usize = 256;
/// Bytes of copies sent at once, beyond the first one.
const BATCH: usize = 256 << 10;
/// How many times the settling delay a check is put off at most, while things go on changing.
const PATIENCE: u32 = 5;

/// Sees to it that items are whole, as long as this is polled.
pub(super) async fn run(node: &Arc<Node>) {
    let mut down = BTreeMap::new();
    let mut done: Option<Situation> = None;
    loop {
        let now = situation(node, &mut down);
        if now.is_none() || now == done {
            tokio::select! {
                () = changed(node) => {}
                () = node.wholeness.doubted() => done = None,
            }
            continue;
        }
        let Some(settled) = settle(node, &mut down).await else { continue };
        match walk(node, &settled).await {
            Ok(failed) => {
                node.wholeness.checked.send_replace(settled.checked(&failed));
                done = failed.is_empty().then_some(settled);
            }
            Err(error) => {
                tracing::error!(%error, "cannot check the items");
                done = None;
            }
        }
        if done.is_none() {
            sleep(node.timing.settle).await;
        }
    }
}

/// The situation now. `down` remembers since when members are down.
fn situation(node: &Node, down: &mut BTreeMap<String, Instant>) -> Option<Situation> {
    let (state, reports) = (node.state(), node.reports());
    let missing = state.wanted.members().iter();
    let missing = missing.filter(|name| *name != node.me() && !reports.is_live(name));
    let missing: BTreeSet<&String> = missing.collect();
    down.retain(|name, _| missing.contains(name));
    for name in missing {
        down.entry(name.clone()).or_insert_with(Instant::now);
    }
    let long = down.iter().filter(|(_, since)| since.elapsed() >= node.timing.stand_in);
    let absent = long.map(|(name, _)| name.clone()).collect();
    Situation::new(node.me(), &state, &reports, &absent)
}

/// Ends when something may have changed, at the latest after the settling delay.
async fn changed(node: &Node) {
    let (mut state, mut reports) = (node.state.subscribe(), node.reports.subscribe());
    let change = async {
        tokio::select! {
            _ = state.changed() => {}
            _ = reports.changed() => {}
        }
    };
    // Also time alone changes a situation: somebody is down for long.
    let _ = timeout(node.timing.settle, change).await;
}

/// Waits until the situation has not changed for a while, but not for ever.
async fn settle(node: &Node, down: &mut BTreeMap<String, Instant>) -> Option<Situation> {
    let latest = Instant::now() + node.timing.settle * PATIENCE;
    let mut settled = situation(node, down);
    let mut since = Instant::now();
    while since.elapsed() < node.timing.settle && Instant::now() < latest {
        sleep(node.timing.settle / 10).await;
        let now = situation(node, down);
        if now != settled {
            (settled, since) = (now, Instant::now());
        }
    }
    settled
}

/// Walks through all items. Gives the peers to which not everything could be given.
async fn walk(node: &Arc<Node>, situation: &Situation) -> Result<BTreeSet<String>, ReplicaError> {
    node.wholeness.begin(situation.clone(), node.replica().count());
    let mut failed = BTreeSet::new();
    let mut after: Option<String> = None;
    loop {
        let page = node.replica().page(after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.to_string());
        let duties: Vec<(OnDisk, Duty)> = page
            .into_iter()
            .map(|item| {
                let duty = situation.duty(&item.key);
                (item, duty)
            })
            .collect();
        let failures = give(node, &duties).await;
        settle_page(node, &duties, &failures).await?;
        failed.extend(failures.into_keys());
    }
    node.wholeness.done();
    Ok(failed)
}

/// Gives everybody what they lack of a page. The peers to which that failed, and why.
async fn give(node: &Arc<Node>, duties: &[(OnDisk, Duty)]) -> BTreeMap<String, AskError> {
    let mut shares: BTreeMap<String, Vec<OnDisk>> = BTreeMap::new();
    for (item, duty) in duties {
        for other in &duty.others {
            shares.entry(other.clone()).or_default().push(item.clone());
        }
    }
    let mut givings = JoinSet::new();
    for (other, items) in shares {
        let node = Arc::clone(node);
        givings.spawn(async move {
            let given = give_to(&node, &other, items).await;
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
async fn give_to(node: &Node, other: &str, items: Vec<OnDisk>) -> Result<(), AskError> {
    let mark = |item: &OnDisk| Mark { key: item.key.clone(), version: item.version.clone() };
    let digest = Digest { items: items.iter().map(mark).collect() };
    let lacks = node.ask(other, &digest, node.timing.attempt).await?;
    if lacks.len() != items.len() {
        return Err(AskError::Malformed(format!("{} of {} items", lacks.len(), items.len())));
    }
    let mut batch: Vec<Copy> = Vec::new();
    let mut bytes = 0;
    for (item, lacking) in items.into_iter().zip(lacks) {
        if lacking {
            bytes += item.bytes.len();
            let copy = item.copy();
            batch.push(copy.map_err(|error| AskError::Malformed(error.to_string()))?);
        }
        if bytes >= BATCH {
            send(node, other, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    send(node, other, batch).await
}

async fn send(node: &Node, other: &str, batch: Vec<Copy>) -> Result<(), AskError> {
    if batch.is_empty() {
        return Ok(());
    }
    let count = batch.len() as u64;
    node.ask_write(other, batch).await?;
    node.meters.repairs.inc_by(count);
    Ok(())
}

/// Counts what of a page is whole now, and drops what only others need to hold.
async fn settle_page(
    node: &Node,
    duties: &[(OnDisk, Duty)],
    failures: &BTreeMap<String, AskError>,
) -> Result<(), ReplicaError> {
    let mut lacking = 0;
    for (item, duty) in duties {
        if duty.lacking || duty.others.iter().any(|other| failures.contains_key(other)) {
            lacking += 1;
        } else if duty.surplus {
            node.replica().drop(item).await?;
            node.meters.dropped.inc();
        }
    }
    node.wholeness.checked(duties.len() as u64, lacking);
    Ok(())
}
