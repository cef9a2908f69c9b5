//! The history checker: while peers are killed and restarted, no result is older than a version
//! that was acknowledged or read before the request.

use super::test_cluster::{TestCluster, read_item, write_item};
use crate::{peer::handle::PeerHandle, runtime::lock};
use maquette_contract::Version;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

const ITEMS: usize = 8;
const CLIENTS: u64 = 4;
/// The deadline of a client's request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How many times a peer is killed and restarted.
const KILLS: usize = 4;

type Peers = Arc<Mutex<Vec<Arc<PeerHandle>>>>;

/// What the clients did and saw.
#[derive(Default)]
struct History {
    /// The newest version of each item that a client received.
    acknowledged: Mutex<BTreeMap<usize, Version>>,
    /// The item of each value that a client tried to write.
    values: Mutex<BTreeMap<u64, usize>>,
    next: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    stopped: AtomicBool,
}

impl History {
    fn newest(&self, item: usize) -> Option<Version> {
        lock(&self.acknowledged).get(&item).cloned()
    }

    fn acknowledge(&self, item: usize, version: Version) {
        let mut acknowledged = lock(&self.acknowledged);
        let newest = acknowledged.entry(item).or_insert_with(|| version.clone());
        *newest = version.max(newest.clone());
    }

    async fn write(&self, peer: &Arc<PeerHandle>, item: usize) {
        let value = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.values).insert(value, item);
        let before = self.newest(item);
        match write_item(peer, item, value, ANSWER_TIMEOUT).await {
            Ok(record) => {
                let after = Some(&record.version) > before.as_ref();
                assert!(after, "item {item}: wrote {} after {before:?}", record.version);
                self.acknowledge(item, record.version);
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }

    async fn read(&self, peer: &Arc<PeerHandle>, item: usize) {
        let before = self.newest(item);
        match read_item(peer, item, ANSWER_TIMEOUT).await {
            Ok(read) => {
                let version = read.as_ref().map(|record| &record.version);
                assert!(version >= before.as_ref(), "item {item}: {version:?} after {before:?}");
                if let Some(record) = read {
                    let value = record.value().unwrap().as_str().parse().unwrap();
                    assert_eq!(lock(&self.values).get(&value), Some(&item), "never written");
                    self.acknowledge(item, record.version);
                }
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }

    async fn run_client(self: Arc<Self>, peers: Peers, mut random: StdRng) {
        while !self.stopped.load(Ordering::Relaxed) {
            let peer = {
                let peers = lock(&peers);
                Arc::clone(&peers[random.random_range(0..peers.len())])
            };
            let item = random.random_range(0..ITEMS);
            if random.random_bool(0.4) {
                self.write(&peer, item).await;
            } else {
                self.read(&peer, item).await;
            }
            sleep(Duration::from_millis(random.random_range(0..10))).await;
        }
    }
}

fn running_handles(cluster: &TestCluster) -> Vec<Arc<PeerHandle>> {
    cluster.running_peers().into_iter().map(|(_, peer)| peer).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_goes_back_while_peers_are_killed_and_restarted() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut cluster = TestCluster::start_all(5, 3).await;
    let peers: Peers = Arc::new(Mutex::new(running_handles(&cluster)));
    let history = Arc::new(History::default());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let random = StdRng::seed_from_u64(seed ^ client);
        clients.spawn(Arc::clone(&history).run_client(Arc::clone(&peers), random));
    }
    for _ in 0..KILLS {
        let victim = random.random_range(0..5);
        // Its clients use other peers, as users do when an endpoint is removed.
        let rest = cluster.running_peers().into_iter().filter(|(ordinal, _)| *ordinal != victim);
        *lock(&peers) = rest.map(|(_, peer)| peer).collect();
        cluster.kill(victim);
        sleep(Duration::from_millis(random.random_range(0..1500))).await;
        cluster.start(victim).await;
        cluster.wait_until_replicated().await;
        *lock(&peers) = running_handles(&cluster);
    }
    history.stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let (answered, refused) = (&history.answered, &history.refused);
    let (answered, refused) = (answered.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("{answered} answered, {refused} refused");
    assert!(answered > 100, "only {answered} requests were answered");
    for item in 0..ITEMS {
        history.read(&cluster.peer(item % 5), item).await;
    }
}
