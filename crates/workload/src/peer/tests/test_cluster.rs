//! Several peers in one process.

use crate::{
    peer::{
        coordinate::Unavailable,
        handle::{PeerError, PeerHandle, PeerSetup},
        membership::Members,
        timing::Timing,
    },
    runtime::{Shutdown, lock},
    storage::StorageError,
};
use maquette_contract::{
    Address, ItemKey, PeerConfig, PeerMember, PeerObservation, Record, RequestWork, Summary,
};
use std::{
    collections::BTreeSet,
    future::Future,
    net::{Ipv4Addr, UdpSocket},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::watch,
    time::{Instant, sleep},
};

/// How long a condition may take on a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(40);
/// The deadline of a request, as end users have it.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// As in service, but sooner.
pub(super) fn timing() -> Timing {
    Timing {
        gossip_interval: Duration::from_millis(50),
        discovery_interval: Duration::from_millis(200),
        settle_delay: Duration::from_millis(200),
        stand_in_delay: Duration::from_secs(2),
        solo_timeout: Duration::from_secs(2),
        probe_interval: Duration::from_millis(200),
        ..Timing::default()
    }
}

pub(super) fn key(number: usize) -> ItemKey {
    ItemKey::parse(&format!("orders/{number}")).unwrap()
}

/// Waits until the condition holds.
pub(super) async fn wait_until<T: std::fmt::Debug, F: Future<Output = Result<(), T>>>(
    what: &str,
    mut holds: impl FnMut() -> F,
) {
    let latest = Instant::now() + WAIT_LIMIT;
    loop {
        match holds().await {
            Ok(()) => return,
            Err(now) if Instant::now() >= latest => panic!("{what}: still {now:?}"),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A peer's place: its name, address and volume, whether it runs or not.
struct PeerSlot {
    member: PeerMember,
    port: u16,
    data: TempDir,
    up: Option<RunningPeer>,
}

/// A peer that runs.
struct RunningPeer {
    runtime: Runtime,
    handle: Arc<PeerHandle>,
    members: watch::Sender<Members>,
}

pub(super) struct TestCluster {
    slots: Vec<PeerSlot>,
    members: usize,
    replicas: u32,
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let up: Vec<usize> = self.running_peers().iter().map(|(ordinal, _)| *ordinal).collect();
        up.into_iter().for_each(|ordinal| self.kill(ordinal));
    }
}

/// The ports that tests have: theirs also while nobody listens there.
static TAKEN_PORTS: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that is free for TCP and UDP, outside the range that outgoing connections take from.
pub(super) fn free_port() -> u16 {
    loop {
        let port = rand::random_range(15_000..32_000);
        if !lock(&TAKEN_PORTS).insert(port) {
            continue;
        }
        let address = (Ipv4Addr::LOCALHOST, port);
        if std::net::TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

impl TestCluster {
    /// Places for so many peers, of which the first are members. None runs.
    pub(super) fn new(places: usize, members: usize, replicas: u32) -> Self {
        let place = |ordinal| {
            let (name, port) = (format!("shop-peers-{ordinal}"), free_port());
            let member = PeerMember { name, address: Address::new("127.0.0.1", port) };
            PeerSlot { member, port, data: TempDir::new().unwrap(), up: None }
        };
        Self { slots: (0..places).map(place).collect(), members, replicas }
    }

    /// A running cluster of so many peers that are all ready and whole.
    pub(super) async fn start_all(peers: usize, replicas: u32) -> Self {
        let mut cluster = Self::new(peers, peers, replicas);
        for ordinal in 0..peers {
            cluster.start(ordinal).await;
        }
        cluster.wait_until_replicated().await;
        cluster
    }

    fn configured_members(&self) -> Members {
        let members = self.slots[..self.members].iter().map(|place| place.member.clone());
        let (members, replication_factor) = (members.collect(), self.replicas);
        let config = PeerConfig {
            work: RequestWork::default(),
            replication_factor,
            members,
            migration_sources: vec![],
            successor: None,
        };
        Members::new(&config).unwrap()
    }

    /// Starts a peer in its place, waiting until the file of the one before it is closed.
    pub(super) async fn start(&mut self, ordinal: usize) {
        let configuration = self.configured_members();
        let place = &mut self.slots[ordinal];
        assert!(place.up.is_none(), "peer {ordinal} runs already");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let members = watch::Sender::new(configuration);
        let latest = Instant::now() + WAIT_LIMIT;
        let running = loop {
            let setup = start_in_slot(place, &members);
            match runtime.spawn(setup).await.unwrap() {
                Ok(running) => break running,
                Err(PeerError::Storage(StorageError::Open { .. })) if Instant::now() < latest => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("peer {ordinal} does not start: {error}"),
            }
        };
        place.up = Some(RunningPeer { runtime, handle: Arc::new(running), members });
    }

    /// Ends a peer at once: no task of it runs on, no socket of it answers.
    pub(super) fn kill(&mut self, ordinal: usize) {
        let RunningPeer { runtime, handle: running, .. } = self.slots[ordinal].up.take().unwrap();
        runtime.shutdown_background();
        drop(running);
    }

    /// Ends a peer and empties its volume.
    pub(super) fn kill_and_wipe(&mut self, ordinal: usize) {
        self.kill(ordinal);
        self.slots[ordinal].data = TempDir::new().unwrap();
    }

    /// Has a peer's volume refuse to keep where the peer stands.
    pub(super) fn block_state_file(&self, ordinal: usize) {
        std::fs::create_dir(self.slots[ordinal].data.path().join("peer.json.new")).unwrap();
    }

    /// Gives every peer that runs a configuration with so many members.
    pub(super) fn set_member_count(&mut self, members: usize) {
        self.members = members;
        let configuration = self.configured_members();
        for up in self.slots.iter().filter_map(|place| place.up.as_ref()) {
            up.members.send_replace(configuration.clone());
        }
    }

    pub(super) fn peer(&self, ordinal: usize) -> Arc<PeerHandle> {
        Arc::clone(&self.slots[ordinal].up.as_ref().expect("the peer runs").handle)
    }

    pub(super) fn running_peers(&self) -> Vec<(usize, Arc<PeerHandle>)> {
        let up = |(ordinal, place): (usize, &PeerSlot)| {
            place.up.as_ref().map(|up| (ordinal, Arc::clone(&up.handle)))
        };
        self.slots.iter().enumerate().filter_map(up).collect()
    }

    /// Waits until all peers that run are ready and see each other, and no item lacks a copy.
    pub(super) async fn wait_until_replicated(&self) {
        let members =
            self.running_peers().iter().filter(|(ordinal, _)| *ordinal < self.members).count();
        wait_until("all are whole", || async {
            let troubles: Vec<_> =
                self.running_peers().iter().filter_map(unready_peer(members)).collect();
            if troubles.is_empty() { Ok(()) } else { Err(troubles) }
        })
        .await;
    }

    pub(super) async fn put(&self, via: usize, item: usize, value: u64) -> Record {
        write_item(&self.peer(via), item, value, DEADLINE).await.unwrap()
    }

    pub(super) async fn get(&self, via: usize, item: usize) -> Option<Record> {
        read_item(&self.peer(via), item, DEADLINE).await.unwrap()
    }

    pub(super) async fn summary(&self, via: usize) -> Summary {
        self.peer(via).coordinator.summarize(Instant::now() + DEADLINE, &|_| {}).await.unwrap()
    }
}

/// A peer, what it waits for to join and to be whole, and what it sees.
type UnreadyPeer = (usize, Option<String>, Option<String>, PeerObservation);

/// What a peer lacks until all is well.
fn unready_peer(members: usize) -> impl Fn(&(usize, Arc<PeerHandle>)) -> Option<UnreadyPeer> {
    move |(ordinal, peer)| {
        let (joined, whole, observed) =
            (peer.join_blocker(), peer.replication_blocker(), peer.observation());
        let leaves = !observed.members.contains(&format!("shop-peers-{ordinal}"));
        let well = (joined.is_none() || leaves)
            && whole.is_none()
            && observed.under_replicated == 0
            && observed.members.len() == members
            && (leaves || peer.peer().transition().is_some_and(|it| it.is_settled()));
        (!well).then_some((*ordinal, joined, whole, observed))
    }
}

fn start_in_slot(
    place: &PeerSlot,
    members: &watch::Sender<Members>,
) -> impl Future<Output = Result<PeerHandle, PeerError>> + Send + 'static {
    let (me, port, data) = (place.member.name.clone(), place.port, place.data.path().to_owned());
    let members = members.subscribe();
    async move {
        let latest = Instant::now() + WAIT_LIMIT;
        let listener = loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => break listener,
                Err(error) if Instant::now() >= latest => panic!("port {port}: {error}"),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        };
        let shutdown = Shutdown::new(Duration::ZERO);
        let overlay = "shop/peers".to_owned();
        let timing = timing();
        PeerHandle::start(PeerSetup {
            name: me,
            overlay,
            data,
            listener,
            members,
            timing,
            shutdown,
        })
        .await
    }
}

pub(super) async fn write_item(
    peer: &Arc<PeerHandle>,
    item: usize,
    value: u64,
    within: Duration,
) -> Result<Record, Unavailable> {
    peer.coordinator.item(&key(item), Instant::now() + within, &|_| {}).write(value.into()).await
}

pub(super) async fn read_item(
    peer: &Arc<PeerHandle>,
    item: usize,
    within: Duration,
) -> Result<Option<Record>, Unavailable> {
    peer.coordinator.item(&key(item), Instant::now() + within, &|_| {}).read().await
}
