//! A running peer: starts its parts in order and owns them.

use super::{
    coordinate::{Coordinator, RepairQueue},
    membership::{
        Gossip, GossipError, GossipIdentity, Layout, MemberState, Members, MembershipDriver,
        PeerState, StartedVolume, StateFile, StateFileError, VolumeId, VolumeProgress,
        join_blocker, replication_blocker, under_replicated,
    },
    metrics::PeerMetrics,
    network::{LocalCopies, PeerNetwork, router, run_probes},
    repair::{AntiEntropy, ItemCounter, ItemRepair, ReplicationProgress},
    replica::Replica,
    timing::Timing,
};
use crate::{
    runtime::{self, MetricsRegistry, Shutdown, VersionClock},
    storage::{PREDECESSOR_TIMEOUT, Storage, StorageError},
};
use maquette_contract::{ComponentName, Observations, PeerObservation};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

/// Why a peer cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// No data directory is given.
    #[error("a peer keeps items: give it a directory with --data DIR")]
    NoData,
    /// The configuration lists no member.
    #[error("the configuration lists no member; list at least this peer")]
    NoMembers,
    /// The file of the items cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state file cannot be used.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// The UDP port for gossip cannot be used.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// The port for other peers cannot be used.
    #[error(transparent)]
    Listen(#[from] runtime::ListenError),
}

/// What a peer starts from.
pub(super) struct PeerSetup {
    /// The name of the pod.
    pub(super) name: String,
    /// Separates the peers of different Architectures.
    pub(super) overlay: String,
    /// The data directory, on the volume.
    pub(super) data: PathBuf,
    /// The port for other peers; gossip uses the same number over UDP.
    pub(super) listener: TcpListener,
    /// The members that the configuration lists.
    pub(super) members: watch::Receiver<Members>,
    pub(super) timing: Timing,
    pub(super) shutdown: Shutdown,
}

/// A running peer; ends when dropped.
pub(super) struct PeerHandle {
    peer: Arc<PeerState>,
    network: Arc<PeerNetwork>,
    pub(super) coordinator: Arc<Coordinator>,
    pub(super) counter: Arc<ItemCounter>,
    storage: Storage,
    started: Instant,
    solo_timeout: Duration,
    /// Why the state file cannot be written.
    state_file_failure: Mutex<oneshot::Receiver<StateFileError>>,
    // Dropping the set ends the tasks.
    _tasks: JoinSet<()>,
}

impl PeerHandle {
    /// Returns once the port and gossip are open; the peer joins the others in the background.
    pub(super) async fn start(setup: PeerSetup) -> Result<Self, PeerError> {
        let PeerSetup { name, overlay, data, listener, members, timing, shutdown } = setup;
        let state_file = StateFile::new(&data);
        let storage = open_storage(data).await?;
        let configured = members.borrow().layout.clone();
        let (started, volume) = start_volume(&state_file, &storage, &name, &configured)?;
        let (generation, saved) = (started.boot, started.saved.clone());
        let member =
            MemberState::from_saved(&name, generation, configured, saved.transition, saved.trust);
        let listen = runtime::serve::address(&listener)?;
        let identity =
            GossipIdentity { name: name.clone(), generation, overlay: overlay.clone(), listen };
        let gossip = Arc::new(Gossip::start(identity, timing).await?);

        let peer = Arc::new(PeerState::new(name, volume, member, members));
        let parts = PeerParts::new(peer, overlay, Replica::new(storage.clone()), &timing);
        let mut tasks = JoinSet::new();
        parts.spawn_server(&mut tasks, listener, shutdown.clone());
        parts.spawn_gossip(&mut tasks, &gossip);
        parts.spawn_repair(&mut tasks, &timing);
        let driver = MembershipDriver {
            peer: Arc::clone(&parts.peer),
            links: Arc::clone(&parts.network),
            gossip,
            state_file,
            volume: started,
            checked_peers: parts.progress.subscribe_checked_peers(),
            retry_interval: timing.discovery_interval,
            solo_timeout: timing.solo_timeout,
            shutdown,
        };
        let (failed, failure) = oneshot::channel();
        // Sending fails only if the handle was dropped.
        tasks.spawn(async move { drop(failed.send(driver.run().await)) });
        Ok(Self {
            peer: parts.peer,
            network: parts.network,
            coordinator: parts.coordinator,
            counter: parts.counter,
            storage,
            started: Instant::now(),
            solo_timeout: timing.solo_timeout,
            state_file_failure: Mutex::new(failure),
            _tasks: tasks,
        })
    }

    /// Registers the metrics of the peer and of its storage.
    pub(super) fn register_metrics(&self, metrics: &MetricsRegistry) {
        self.coordinator.metrics.register(metrics);
        self.storage.register_metrics(&mut metrics.registry());
    }

    /// Returns when the disk has failed.
    pub(super) async fn wait_for_failure(&self) -> PeerError {
        let state_file_failure = async { (&mut *self.state_file_failure.lock().await).await };
        tokio::select! {
            error = self.storage.wait_for_failure() => error.into(),
            // The driver ends without an error only if the runtime ends.
            failure = state_file_failure => match failure {
                Ok(error) => error.into(),
                Err(_) => StorageError::Closed.into(),
            },
        }
    }

    /// The state of this peer and the reports of the others.
    pub(super) fn peer(&self) -> &Arc<PeerState> {
        &self.peer
    }

    /// The copies on this peer's own disk.
    pub(super) fn replica(&self) -> &Replica {
        &self.counter.replica
    }

    /// Why the peer has not joined; `None` if it has.
    pub(super) fn join_blocker(&self) -> Option<String> {
        let in_grace = self.started.elapsed() < self.solo_timeout;
        join_blocker(self.peer.name(), &self.peer.member(), &self.peer.reports(), in_grace)
    }

    /// Why the peer may lack copies that a live peer has; `None` if it has them all.
    pub(super) fn replication_blocker(&self) -> Option<String> {
        replication_blocker(self.peer.name(), &self.peer.member(), &self.peer.reports())
    }

    /// Adds the items, the peers and the edge to them to a report; `to` is the component of the
    /// peers.
    pub(super) fn add_observations(&self, to: &ComponentName, report: &mut Observations) {
        report.items = Some(self.replica().count());
        report.damaged_items.add(self.replica().damaged().observation());
        report.volume = Some(self.storage.volume());
        report.peer = Some(self.observation());
        report.edges.insert(0, self.network.edge().observation(to));
    }

    /// The live members and the under-replicated items, as this peer sees them.
    pub(super) fn observation(&self) -> PeerObservation {
        let (state, reports) = (self.peer.member(), self.peer.reports());
        let own_name = self.peer.name();
        let configured = self.peer.members().layout.clone();
        let live =
            configured.members().iter().filter(|name| *name == own_name || reports.is_live(name));
        let counts = self.counter.count_items();
        PeerObservation {
            members: live.cloned().collect(),
            under_replicated: under_replicated(own_name, &state, &reports, counts),
        }
    }
}

/// The parts that run in the background, each with what it needs of the others.
struct PeerParts {
    peer: Arc<PeerState>,
    local: LocalCopies,
    network: Arc<PeerNetwork>,
    coordinator: Arc<Coordinator>,
    progress: Arc<ReplicationProgress>,
    counter: Arc<ItemCounter>,
}

impl PeerParts {
    fn new(peer: Arc<PeerState>, overlay: String, replica: Replica, timing: &Timing) -> Self {
        let local = LocalCopies::new(Arc::clone(&peer), replica.clone());
        let network = Arc::new(PeerNetwork::new(Arc::clone(&peer), local.clone(), overlay, timing));
        let coordinator = Arc::new(Coordinator {
            peer: Arc::clone(&peer),
            network: Arc::clone(&network),
            clock: VersionClock::new(peer.name()),
            repair_queue: Arc::new(RepairQueue::default()),
            metrics: Arc::new(PeerMetrics::default()),
            retry_pause: timing.retry_pause,
        });
        let progress = Arc::new(ReplicationProgress::default());
        let counter = Arc::new(ItemCounter {
            peer: Arc::clone(&peer),
            replica,
            progress: Arc::clone(&progress),
            repair_queue: Arc::clone(&coordinator.repair_queue),
        });
        Self { peer, local, network, coordinator, progress, counter }
    }

    fn spawn_server(&self, tasks: &mut JoinSet<()>, listener: TcpListener, shutdown: Shutdown) {
        let routes = router(self.local.clone(), self.network.own_peer_header());
        tasks.spawn(async move {
            let settings = runtime::serve::constant_settings();
            runtime::serve::serve_http(listener, routes, &shutdown, settings).await;
        });
    }

    fn spawn_gossip(&self, tasks: &mut JoinSet<()>, gossip: &Arc<Gossip>) {
        let (follower, follower_peer) = (Arc::clone(gossip), Arc::clone(&self.peer));
        tasks.spawn(async move { follower.follow_reports(&follower_peer).await });
        let (discoverer, discoverer_peer) = (Arc::clone(gossip), Arc::clone(&self.peer));
        tasks.spawn(async move { discoverer.discover_members(&discoverer_peer).await });
    }

    /// Starts the sweeps, the repair of single items, the probes and the gauges.
    fn spawn_repair(&self, tasks: &mut JoinSet<()>, timing: &Timing) {
        let anti_entropy = AntiEntropy {
            peer: Arc::clone(&self.peer),
            network: Arc::clone(&self.network),
            replica: self.counter.replica.clone(),
            progress: Arc::clone(&self.progress),
            metrics: Arc::clone(&self.coordinator.metrics),
            repair_queue: Arc::clone(&self.coordinator.repair_queue),
            settle_delay: timing.settle_delay,
        };
        tasks.spawn(async move { anti_entropy.run().await });
        let item_repair = ItemRepair {
            coordinator: Arc::clone(&self.coordinator),
            progress: Arc::clone(&self.progress),
            read_timeout: timing.attempt_timeout,
        };
        tasks.spawn(async move { item_repair.run().await });
        let (network, probe_interval) = (Arc::clone(&self.network), timing.probe_interval);
        tasks.spawn(async move { run_probes(&network, probe_interval).await });
        let (counter, metrics) = (Arc::clone(&self.counter), Arc::clone(&self.coordinator.metrics));
        let interval = timing.discovery_interval;
        tasks.spawn(async move { update_gauges(&counter, &metrics, interval).await });
    }
}

/// Marks on the volume that a peer starts with it. Blocks.
fn start_volume(
    state_file: &StateFile,
    storage: &Storage,
    name: &str,
    configured: &Layout,
) -> Result<(StartedVolume, VolumeId), StateFileError> {
    let mut saved = state_file.load()?;
    let found = saved.generation;
    let is_new = found == 0;
    if !is_new && saved.volume.is_none() {
        // An earlier release does not remember which volumes there were.
        saved.known.add_unknown(configured.members());
        saved.trust.known = true;
    }
    saved.trust.fresh |= is_new && storage.item_count() == 0;
    saved.generation = runtime::wall_millis().max(found + 1);
    let boot = saved.generation;
    let volume = *saved.volume.get_or_insert_with(VolumeId::random);
    saved.known.meet(name, volume, VolumeProgress { boot, mark: boot });
    state_file.save(&saved)?;
    let storage = storage.clone();
    let commits = Box::new(move || storage.commit_count());
    Ok((StartedVolume { found, boot, saved, commits }, volume))
}

/// Opening may recover the file, which reads all of it.
async fn open_storage(data: PathBuf) -> Result<Storage, PeerError> {
    Ok(Storage::open_when_released(data, PREDECESSOR_TIMEOUT).await?)
}

/// Updates the gauges at an interval and after each change of the reports.
async fn update_gauges(counter: &ItemCounter, metrics: &PeerMetrics, interval: Duration) {
    let mut changes = counter.peer.subscribe_reports();
    loop {
        let counts = counter.count_items();
        let reports = Arc::clone(&changes.borrow_and_update());
        let state = counter.peer.member();
        let live = state.configured.members().iter().filter(|name| reports.is_live(name)).count();
        metrics.live_members.set(i64::try_from(live).unwrap_or(i64::MAX));
        metrics.items.set(i64::try_from(counts.on_disk).unwrap_or(i64::MAX));
        metrics.under_replicated.set(i64::try_from(counts.under_replicated).unwrap_or(i64::MAX));
        let _ = timeout(interval, changes.changed()).await;
    }
}
