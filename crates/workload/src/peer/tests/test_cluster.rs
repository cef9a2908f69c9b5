//! Several peers in one process.

use super::links;
use crate::{
    backend::ItemWrite,
    peer::{
        coordinate::Unavailable,
        handle::{PeerError, PeerHandle, PeerSetup},
        membership::Members,
        timing::Timing,
    },
    runtime::{Shutdown, lock},
    storage::StorageError,
};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use maquette_contract::{
    Address, ComponentIdentity, ItemKey, PeerConfig, PeerMember, PeerObservation, Record,
    RequestWork, Summary,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    net::{Ipv4Addr, UdpSocket},
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Handle, Runtime},
    sync::watch,
    time::{Instant, sleep},
};

/// The longest time that a condition may take on a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(40);
/// The deadline of a request, as for users.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Shorter than in production.
pub(super) fn timing() -> Timing {
    Timing {
        gossip_interval: Duration::from_millis(50),
        discovery_interval: Duration::from_millis(200),
        settle_delay: Duration::from_millis(200),
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

/// The name, address and volume of a peer that may run or not.
struct PeerSlot {
    member: PeerMember,
    port: u16,
    data: TempDir,
    uid: &'static str,
    up: Option<RunningPeer>,
}

struct RunningPeer {
    runtime: Runtime,
    handle: Arc<PeerHandle>,
    members: watch::Sender<Members>,
}

pub(super) struct TestCluster {
    slots: Vec<PeerSlot>,
    members: usize,
    /// Whether the peers began with other members.
    members_changed: bool,
    replicas: u32,
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let up: Vec<usize> = self.running_peers().iter().map(|(ordinal, _)| *ordinal).collect();
        up.into_iter().for_each(|ordinal| self.kill(ordinal));
    }
}

/// The ports that tests use, also while no peer listens on them.
static TAKEN_PORTS: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that is free for TCP and UDP, outside the range of outgoing connections.
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
    /// Slots for peers, of which the first `members` are members. No peer runs.
    pub(super) fn new(slots: usize, members: usize, replicas: u32) -> Self {
        let slot = |ordinal| {
            let (name, port) = (format!("shop-peers-{ordinal}"), free_port());
            let member = PeerMember { name, address: Address::new("127.0.0.1", port) };
            PeerSlot { member, port, data: TempDir::new().unwrap(), uid: "the-uid", up: None }
        };
        let slots = (0..slots).map(slot).collect();
        Self { slots, members, members_changed: false, replicas }
    }

    /// A cluster whose peers all run, are ready and have all their copies.
    pub(super) async fn start_all(peers: usize, replicas: u32) -> Self {
        let mut cluster = Self::new(peers, peers, replicas);
        for ordinal in 0..peers {
            cluster.start(ordinal).await;
        }
        cluster.wait_until_replicated().await;
        cluster
    }

    /// The peer `ordinal` with settings of another Architecture of the same name and addresses.
    pub(super) fn make_stranger(&mut self, ordinal: usize) {
        self.slots[ordinal].uid = "another-uid";
    }

    /// Sends a request to the port for other peers, with these headers.
    pub(super) async fn post_to_peer(
        &self,
        ordinal: usize,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, String) {
        let address = &self.slots[ordinal].member.address;
        let mut request = Request::post(format!("{}{path}", address.http_url()))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let pool: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let response = pool.request(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    fn configured_members(&self, uid: &str) -> Members {
        let members = self.slots[..self.members].iter().map(|slot| slot.member.clone());
        let (members, replication_factor) = (members.collect(), self.replicas);
        let config = PeerConfig {
            work: RequestWork::default(),
            replication_factor,
            members,
            members_changed: self.members_changed,
            migration_sources: vec![],
            successor: None,
        };
        let own = ComponentIdentity {
            architecture: "shop".parse().unwrap(),
            uid: Some(uid.parse().unwrap()),
            former_uid: None,
            component: "peers".parse().unwrap(),
        };
        Members::new(&config, &own).unwrap()
    }

    /// Starts a peer in its slot, once the files of the peer that ran there are closed.
    pub(super) async fn start(&mut self, ordinal: usize) {
        let configuration = self.configured_members(self.slots[ordinal].uid);
        let slot = &mut self.slots[ordinal];
        assert!(slot.up.is_none(), "peer {ordinal} runs already");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let members = watch::Sender::new(configuration);
        let latest = Instant::now() + WAIT_LIMIT;
        let handle = loop {
            let setup = start_in_slot(slot, &members);
            match runtime.spawn(setup).await.unwrap() {
                Ok(handle) => break handle,
                Err(PeerError::Storage(StorageError::Open { .. })) if Instant::now() < latest => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("peer {ordinal} does not start: {error}"),
            }
        };
        slot.up = Some(RunningPeer { runtime, handle: Arc::new(handle), members });
    }

    /// Stops a peer at once, with all its tasks and sockets.
    pub(super) fn kill(&mut self, ordinal: usize) {
        let RunningPeer { runtime, handle, .. } = self.slots[ordinal].up.take().unwrap();
        runtime.shutdown_background();
        drop(handle);
    }

    /// Stops a peer and empties its volume.
    pub(super) fn kill_and_wipe(&mut self, ordinal: usize) {
        self.kill(ordinal);
        self.slots[ordinal].data = TempDir::new().unwrap();
    }

    /// The address of each slot.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.slots.iter().map(|slot| slot.member.address.0.clone()).collect()
    }

    /// The directory of a peer's files.
    pub(super) fn data_folder(&self, ordinal: usize) -> PathBuf {
        self.slots[ordinal].data.path().to_owned()
    }

    /// Stops the thread of a peer for a while, as `SIGSTOP` would.
    pub(super) fn pause(&self, ordinal: usize, lasts: Duration) {
        if let Some(running) = &self.slots[ordinal].up {
            running.runtime.spawn(async move { std::thread::sleep(lasts) });
        }
    }

    /// Cuts the connections from one peer to another for which `is_cut` is true, and no others.
    pub(super) fn cut_links(&self, is_cut: impl Fn(usize, usize) -> bool) {
        links::set_cuts(&self.addresses(), is_cut);
    }

    /// Cuts the gossip from one peer to another for which `is_cut` is true, and no other.
    pub(super) fn cut_gossip(&self, is_cut: impl Fn(usize, usize) -> bool) {
        links::set_gossip_cuts(&self.addresses(), is_cut);
    }

    pub(super) fn member_count(&self) -> usize {
        self.members
    }

    /// The running members, with the runtimes that they run on.
    pub(super) fn running_members(&self) -> Vec<(Handle, Arc<PeerHandle>)> {
        let members = self.slots[..self.members].iter().filter_map(|slot| slot.up.as_ref());
        members.map(|up| (up.runtime.handle().clone(), Arc::clone(&up.handle))).collect()
    }

    /// A copy of the volume of a peer that does not run.
    pub(super) fn snapshot(&self, ordinal: usize) -> TempDir {
        let copy = TempDir::new().unwrap();
        for entry in std::fs::read_dir(self.slots[ordinal].data.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Replaces the volume of a peer that does not run.
    pub(super) fn restore(&mut self, ordinal: usize, volume: TempDir) {
        self.slots[ordinal].data = volume;
    }

    /// Configures peers that start from now on with these members, as a change of them.
    pub(super) fn change_members_of_new_peers(&mut self, members: usize) {
        (self.members, self.members_changed) = (members, true);
    }

    /// Makes a peer's state file unwritable.
    pub(super) fn block_state_file(&self, ordinal: usize) {
        std::fs::create_dir(self.slots[ordinal].data.path().join("peer.json.new")).unwrap();
    }

    /// Configures every running peer with the first `members` slots as members.
    pub(super) fn set_member_count(&mut self, members: usize) {
        self.set_member_count_of(0..self.slots.len(), members);
    }

    /// Configures only these peers, as far as they run.
    pub(super) fn set_member_count_of(&mut self, peers: Range<usize>, members: usize) {
        self.members = members;
        for slot in &self.slots[peers] {
            if let Some(running) = &slot.up {
                running.members.send_replace(self.configured_members(slot.uid));
            }
        }
    }

    pub(super) fn peer(&self, ordinal: usize) -> Arc<PeerHandle> {
        Arc::clone(&self.slots[ordinal].up.as_ref().expect("the peer runs").handle)
    }

    pub(super) fn running_peers(&self) -> Vec<(usize, Arc<PeerHandle>)> {
        let up = |(ordinal, slot): (usize, &PeerSlot)| {
            slot.up.as_ref().map(|up| (ordinal, Arc::clone(&up.handle)))
        };
        self.slots.iter().enumerate().filter_map(up).collect()
    }

    /// Waits until all running peers are ready and see each other, and no item lacks a copy.
    pub(super) async fn wait_until_replicated(&self) {
        let members =
            self.running_peers().iter().filter(|(ordinal, _)| *ordinal < self.members).count();
        wait_until("all peers are ready and replicated", || async {
            let unready: Vec<_> =
                self.running_peers().iter().filter_map(unready_peer(members)).collect();
            if unready.is_empty() { Ok(()) } else { Err(unready) }
        })
        .await;
    }

    /// Waits until peer 0 remembers the present start of the peer `ordinal` on disk, and the peer
    /// `seen_by` knows that it does.
    pub(super) async fn wait_until_start_is_remembered(&self, ordinal: usize, seen_by: usize) {
        let name = format!("shop-peers-{ordinal}");
        wait_until(&format!("peer 0 remembers the start of {name}"), || async {
            let reports = self.peer(0).peer().reports();
            let boot = reports.report_of(&name).and_then(|it| it.progress).map(|it| it.boot);
            let seen = self.peer(seen_by).peer().reports();
            let known = seen.report_of("shop-peers-0").and_then(|it| it.known.get(&name).copied());
            let is_known = boot.is_some() && known.map(|it| it.progress.boot) == boot;
            if is_known { Ok(()) } else { Err((boot, known)) }
        })
        .await;
    }

    /// Writes items through the first `peers` peers in turn.
    pub(super) async fn fill(&self, peers: usize, items: usize) -> BTreeMap<usize, Record> {
        let mut written = BTreeMap::new();
        for item in 0..items {
            written.insert(item, self.put(item % peers, item, item as u64).await);
        }
        written
    }

    /// Asserts that each running peer returns these records.
    pub(super) async fn assert_all_readable(&self, written: &BTreeMap<usize, Record>) {
        for (via, peer) in self.running_peers() {
            for (item, record) in written {
                let found = read_item(&peer, *item, DEADLINE).await;
                assert_eq!(found, Ok(Some(record.clone())), "item {item} via peer {via}");
            }
        }
    }

    /// The copies on the disks of all running peers.
    pub(super) fn count_copies(&self) -> u64 {
        self.running_peers().iter().map(|(_, peer)| peer.counter.count_items().on_disk).sum()
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

/// A peer, why it has not joined, why it may lack copies, and what it observes.
type UnreadyPeer = (usize, Option<String>, Option<String>, PeerObservation);

/// Returns the peer unless it is ready and fully replicated.
fn unready_peer(members: usize) -> impl Fn(&(usize, Arc<PeerHandle>)) -> Option<UnreadyPeer> {
    move |(ordinal, peer)| {
        let (join_blocker, replication_blocker, observed) =
            (peer.join_blocker(), peer.replication_blocker(), peer.observation());
        let leaves = !observed.members.contains(&format!("shop-peers-{ordinal}"));
        let ready = (join_blocker.is_none() || leaves)
            && replication_blocker.is_none()
            && observed.under_replicated == 0
            && observed.members.len() == members
            && (leaves || peer.peer().transition().is_some_and(|it| it.is_settled()));
        (!ready).then_some((*ordinal, join_blocker, replication_blocker, observed))
    }
}

fn start_in_slot(
    slot: &PeerSlot,
    members: &watch::Sender<Members>,
) -> impl Future<Output = Result<PeerHandle, PeerError>> + Send + 'static {
    let (name, port, data) = (slot.member.name.clone(), slot.port, slot.data.path().to_owned());
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
        PeerHandle::start(PeerSetup { name, overlay, data, listener, members, timing, shutdown })
            .await
    }
}

pub(super) async fn write_item(
    peer: &Arc<PeerHandle>,
    item: usize,
    value: u64,
    within: Duration,
) -> Result<Record, Unavailable> {
    let key = key(item);
    let request = peer.coordinator.item(&key, Instant::now() + within, &|_| {});
    request.write(&ItemWrite::of_number(value)).await.map(|written| written.record)
}

pub(super) async fn read_item(
    peer: &Arc<PeerHandle>,
    item: usize,
    within: Duration,
) -> Result<Option<Record>, Unavailable> {
    peer.coordinator.item(&key(item), Instant::now() + within, &|_| {}).read().await
}
