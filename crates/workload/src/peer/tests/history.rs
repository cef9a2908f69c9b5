//! The history checker: what clients write and read is linearizable for each item, while peers are
//! killed, paused, cut off from each other, lose their volumes, and join and leave.
//!
//! Each run plays other events and prints its seed; `MAQUETTE_TEST_SEED` plays those of a seed again
//! (what the clients do at the same time depends on the machine), `MAQUETTE_TEST_EVENTS` sets their
//! number.

use super::{
    linearizability::{Action, Operation, is_linearizable},
    test_cluster::{TestCluster, read_item, write_item},
    test_seed,
};
use crate::{peer::handle::PeerHandle, runtime::lock};
use maquette_contract::Version;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{Instant, sleep},
};

const ITEMS: usize = 6;
const CLIENTS: u64 = 5;
/// The deadline of a client's request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// The events of a run.
const EVENTS: usize = 8;
/// The longest time that a fault lasts, in milliseconds. Longer than one request to a peer may take.
const MAX_FAULT_MILLIS: u64 = 2500;

/// The peers that clients use, with the runtimes that they run on. Clients keep no peer that was
/// killed: its files must be closed before it starts again.
type Peers = Arc<Mutex<Vec<(Handle, Weak<PeerHandle>)>>>;

/// What the clients did and saw.
struct History {
    began: Instant,
    operations: Mutex<BTreeMap<usize, Vec<Operation>>>,
    /// The value of each version in an answer.
    values: Mutex<BTreeMap<(usize, Version), u64>>,
    next: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    stopped: AtomicBool,
}

impl History {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            operations: Mutex::default(),
            values: Mutex::default(),
            next: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    fn record(&self, item: usize, operation: Operation) {
        lock(&self.operations).entry(item).or_default().push(operation);
    }

    fn record_value(&self, item: usize, version: Version, value: u64) {
        let before = *lock(&self.values).entry((item, version.clone())).or_insert(value);
        assert_eq!(before, value, "item {item}: two values of version {version}");
    }

    /// A write that fails may have taken effect, or may do so later.
    async fn write(&self, (handle, peer): (Handle, Arc<PeerHandle>), item: usize) {
        let (value, start) = (self.next.fetch_add(1, Ordering::Relaxed), self.now());
        let task =
            handle.spawn(async move { write_item(&peer, item, value, ANSWER_TIMEOUT).await });
        let end = match task.await {
            Ok(Ok(record)) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                self.record_value(item, record.version, value);
                self.now()
            }
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                u64::MAX
            }
        };
        self.record(item, Operation { start, end, action: Action::Write(value) });
    }

    async fn read(&self, (handle, peer): (Handle, Arc<PeerHandle>), item: usize) {
        let start = self.now();
        let task = handle.spawn(async move { read_item(&peer, item, ANSWER_TIMEOUT).await });
        let Ok(Ok(read)) = task.await else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.answered.fetch_add(1, Ordering::Relaxed);
        let end = self.now();
        let value = read.map(|record| {
            let value = record.value().unwrap().as_str().parse().unwrap();
            self.record_value(item, record.version, value);
            value
        });
        self.record(item, Operation { start, end, action: Action::Read(value) });
    }

    async fn run_client(self: Arc<Self>, peers: Peers, mut random: StdRng) {
        while !self.stopped.load(Ordering::Relaxed) {
            let (handle, peer) = {
                let peers = lock(&peers);
                peers[random.random_range(0..peers.len())].clone()
            };
            let item = random.random_range(0..ITEMS);
            let Some(peer) = peer.upgrade() else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let peer = (handle, peer);
            if random.random_bool(0.4) {
                self.write(peer, item).await;
            } else {
                self.read(peer, item).await;
            }
            sleep(Duration::from_millis(random.random_range(0..10))).await;
        }
    }

    fn assert_linearizable(&self, seed: u64) {
        for (item, operations) in &*lock(&self.operations) {
            assert!(
                is_linearizable(operations),
                "MAQUETTE_TEST_SEED={seed}: item {item} is not linearizable: {operations:?}"
            );
        }
    }
}

/// What happens to the peers.
#[derive(Clone, Copy, Debug)]
enum Event {
    Kill {
        victim: usize,
        loses_volume: bool,
    },
    Pause {
        victim: usize,
    },
    /// One side cannot reach the other, as bits; in one direction or in both.
    Partition {
        side: u8,
        one_way: bool,
    },
    /// Two halves that only one peer reaches.
    Bridge {
        over: usize,
    },
    /// The fifth member leaves, or comes back.
    Resize,
}

impl Event {
    fn any(random: &mut StdRng) -> Self {
        let victim = random.random_range(0..4);
        match random.random_range(0..8) {
            0 => Self::Kill { victim, loses_volume: false },
            1 | 2 => Self::Kill { victim, loses_volume: true },
            3 => Self::Pause { victim },
            4 => Self::Partition { side: random.random_range(1..15), one_way: false },
            5 => Self::Partition { side: random.random_range(1..15), one_way: true },
            6 => Self::Bridge { over: victim },
            _ => Self::Resize,
        }
    }

    async fn play(self, cluster: &mut TestCluster, lasts: Duration) {
        match self {
            Self::Kill { victim, loses_volume } => {
                if loses_volume {
                    cluster.kill_and_wipe(victim);
                } else {
                    cluster.kill(victim);
                }
                sleep(lasts).await;
                cluster.start(victim).await;
            }
            Self::Pause { victim } => {
                cluster.pause(victim, lasts);
                sleep(lasts).await;
            }
            Self::Partition { side, one_way } => {
                let is_in = |peer: usize| side & (1 << peer) != 0;
                let is_cut = |from, to| is_in(from) != is_in(to) && (!one_way || is_in(from));
                cluster.cut_links(is_cut);
                sleep(lasts).await;
            }
            Self::Bridge { over } => {
                cluster.cut_links(|from, to| from != over && to != over && from % 2 != to % 2);
                sleep(lasts).await;
            }
            Self::Resize => {
                cluster.set_member_count(9 - cluster.member_count());
                sleep(lasts).await;
            }
        }
        cluster.cut_links(|_, _| false);
    }
}

fn usable_peers(cluster: &TestCluster) -> Vec<(Handle, Weak<PeerHandle>)> {
    let members = cluster.running_members().into_iter();
    members.map(|(handle, peer)| (handle, Arc::downgrade(&peer))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_linearizable_while_peers_fail_and_move() {
    let seed = test_seed();
    let events = std::env::var("MAQUETTE_TEST_EVENTS")
        .map_or(EVENTS, |text| text.parse().expect("a number of events"));
    println!("{events} events, MAQUETTE_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut cluster = TestCluster::start_all(5, 3).await;
    let peers: Peers = Arc::new(Mutex::new(usable_peers(&cluster)));
    let history = Arc::new(History::new());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let random = StdRng::seed_from_u64(seed ^ client);
        clients.spawn(Arc::clone(&history).run_client(Arc::clone(&peers), random));
    }
    for number in 0..events {
        let event = Event::any(&mut random);
        let lasts = Duration::from_millis(random.random_range(100..MAX_FAULT_MILLIS));
        println!("event {number}: {event:?} for {lasts:?}");
        event.play(&mut cluster, lasts).await;
        // Peers that have left, and those that were replaced, answer no users.
        *lock(&peers) = usable_peers(&cluster);
        cluster.wait_until_replicated().await;
    }
    history.stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    for item in 0..ITEMS {
        let members = cluster.running_members();
        history.read(members[item % members.len()].clone(), item).await;
    }
    let (answered, refused) = (&history.answered, &history.refused);
    let (answered, refused) = (answered.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("{answered} answered, {refused} refused");
    assert!(answered > 50, "only {answered} requests were answered");
    history.assert_linearizable(seed);
}
