//! Several peers in one process.

use crate::{
    peer::{
        members::Members,
        running::{PeerError, Running, Setup},
        timing::Timing,
        unavailable::Unavailable,
    },
    runtime::{Shutdown, lock},
    storage::StorageError,
};
use maquette_contract::{
    Address, ItemKey, PeerConfig, PeerMember, PeerObservation, Record, Summary, RequestWork,
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
const PATIENCE: Duration = Duration::from_secs(40);
/// The deadline of a request, as end users have it.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// As in service, but sooner.
pub(super) fn timing() -> Timing {
    Timing {
        gossip: Duration::from_millis(50),
        seek: Duration::from_millis(200),
        settle: Duration::from_millis(200),
        stand_in: Duration::from_secs(2),
        alone: Duration::from_secs(2),
        probe: Duration::from_millis(200),
        ..Timing::default()
    }
}

pub(super) fn key(number: usize) -> ItemKey {
    ItemKey::parse(&format!("orders/{number}")).unwrap()
}

/// Waits until the condition holds.
pub(super) async fn until<T: std::fmt::Debug, F: Future<Output = Result<(), T>>>(
    what: &str,
    mut holds: impl FnMut() -> F,
) {
    let latest = Instant::now() + PATIENCE;
    loop {
        match holds().await {
            Ok(()) => return,
            Err(now) if Instant::now() >= latest => panic!("{what}: still {now:?}"),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A peer's place: its name, address and volume, whether it runs or not.
struct Place {
    member: PeerMember,
    port: u16,
    data: TempDir,
    up: Option<Up>,
}

/// A peer that runs.
struct Up {
    runtime: Runtime,
    running: Arc<Running>,
    members: watch::Sender<Members>,
}

pub(super) struct Cluster {
    places: Vec<Place>,
    members: usize,
    replicas: u32,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let up: Vec<usize> = self.running().iter().map(|(ordinal, _)| *ordinal).collect();
        up.into_iter().for_each(|ordinal| self.kill(ordinal));
    }
}

/// The ports that tests have: theirs also while nobody listens there.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that is free for TCP and UDP, outside the range that outgoing connections take from.
pub(super) fn free_port() -> u16 {
    loop {
        let port = rand::random_range(15_000..32_000);
        if !lock(&TAKEN).insert(port) {
            continue;
        }
        let address = (Ipv4Addr::LOCALHOST, port);
        if std::net::TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

impl Cluster {
    /// Places for so many peers, of which the first are members. None runs.
    pub(super) fn new(places: usize, members: usize, replicas: u32) -> Self {
        let place = |ordinal| {
            let (name, port) = (format!("shop-peers-{ordinal}"), free_port());
            let member = PeerMember { name, address: Address::new("127.0.0.1", port) };
            Place { member, port, data: TempDir::new().unwrap(), up: None }
        };
        Self { places: (0..places).map(place).collect(), members, replicas }
    }

    /// A running cluster of so many peers that are all ready and whole.
    pub(super) async fn started(peers: usize, replicas: u32) -> Self {
        let mut cluster = Self::new(peers, peers, replicas);
        for ordinal in 0..peers {
            cluster.start(ordinal).await;
        }
        cluster.whole().await;
        cluster
    }

    fn configuration(&self) -> Members {
        let members = self.places[..self.members].iter().map(|place| place.member.clone());
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
        let configuration = self.configuration();
        let place = &mut self.places[ordinal];
        assert!(place.up.is_none(), "peer {ordinal} runs already");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let members = watch::Sender::new(configuration);
        let latest = Instant::now() + PATIENCE;
        let running = loop {
            let setup = setup(place, &members);
            match runtime.spawn(setup).await.unwrap() {
                Ok(running) => break running,
                Err(PeerError::Storage(StorageError::Open { .. })) if Instant::now() < latest => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("peer {ordinal} does not start: {error}"),
            }
        };
        place.up = Some(Up { runtime, running: Arc::new(running), members });
    }

    /// Ends a peer at once: no task of it runs on, no socket of it answers.
    pub(super) fn kill(&mut self, ordinal: usize) {
        let Up { runtime, running, .. } = self.places[ordinal].up.take().unwrap();
        runtime.shutdown_background();
        drop(running);
    }

    /// Ends a peer and empties its volume.
    pub(super) fn destroy(&mut self, ordinal: usize) {
        self.kill(ordinal);
        self.places[ordinal].data = TempDir::new().unwrap();
    }

    /// Has a peer's volume refuse to keep where the peer stands.
    pub(super) fn spoil(&self, ordinal: usize) {
        std::fs::create_dir(self.places[ordinal].data.path().join("peer.json.new")).unwrap();
    }

    /// Gives every peer that runs a configuration with so many members.
    pub(super) fn configure(&mut self, members: usize) {
        self.members = members;
        let configuration = self.configuration();
        for up in self.places.iter().filter_map(|place| place.up.as_ref()) {
            up.members.send_replace(configuration.clone());
        }
    }

    pub(super) fn peer(&self, ordinal: usize) -> Arc<Running> {
        Arc::clone(&self.places[ordinal].up.as_ref().expect("the peer runs").running)
    }

    pub(super) fn running(&self) -> Vec<(usize, Arc<Running>)> {
        let up = |(ordinal, place): (usize, &Place)| {
            place.up.as_ref().map(|up| (ordinal, Arc::clone(&up.running)))
        };
        self.places.iter().enumerate().filter_map(up).collect()
    }

    /// Waits until all peers that run are ready and see each other, and no item lacks a copy.
    pub(super) async fn whole(&self) {
        let members = self.running().iter().filter(|(ordinal, _)| *ordinal < self.members).count();
        until("all are whole", || async {
            let troubles: Vec<_> = self.running().iter().filter_map(trouble(members)).collect();
            if troubles.is_empty() { Ok(()) } else { Err(troubles) }
        })
        .await;
    }

    pub(super) async fn put(&self, via: usize, item: usize, value: u64) -> Record {
        write(&self.peer(via), item, value, DEADLINE).await.unwrap()
    }

    pub(super) async fn get(&self, via: usize, item: usize) -> Option<Record> {
        read(&self.peer(via), item, DEADLINE).await.unwrap()
    }

    pub(super) async fn summary(&self, via: usize) -> Summary {
        self.peer(via).summary(Instant::now() + DEADLINE, &|_| {}).await.unwrap()
    }
}

/// A peer, what it waits for to join and to be whole, and what it sees.
type Trouble = (usize, Option<String>, Option<String>, PeerObservation);

/// What a peer lacks until all is well.
fn trouble(members: usize) -> impl Fn(&(usize, Arc<Running>)) -> Option<Trouble> {
    move |(ordinal, peer)| {
        let (joined, whole, observed) = (peer.not_joined(), peer.not_whole(), peer.observed());
        let leaves = !observed.members.contains(&format!("shop-peers-{ordinal}"));
        let well = (joined.is_none() || leaves)
            && whole.is_none()
            && observed.under_replicated == 0
            && observed.members.len() == members
            && (leaves || peer.node.standing().is_some_and(|standing| standing.is_settled()));
        (!well).then_some((*ordinal, joined, whole, observed))
    }
}

fn setup(
    place: &Place,
    members: &watch::Sender<Members>,
) -> impl Future<Output = Result<Running, PeerError>> + Send + 'static {
    let (me, port, data) = (place.member.name.clone(), place.port, place.data.path().to_owned());
    let members = members.subscribe();
    async move {
        let latest = Instant::now() + PATIENCE;
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
        Running::start(Setup { me, overlay, data, listener, members, timing, shutdown }).await
    }
}

pub(super) async fn write(
    peer: &Arc<Running>,
    item: usize,
    value: u64,
    within: Duration,
) -> Result<Record, Unavailable> {
    peer.put(&key(item), value.into(), Instant::now() + within, &|_| {}).await
}

pub(super) async fn read(
    peer: &Arc<Running>,
    item: usize,
    within: Duration,
) -> Result<Option<Record>, Unavailable> {
    peer.get(&key(item), Instant::now() + within, &|_| {}).await
}
