//! A peer as a whole: its parts, started in order, and its answers.

use super::{
    anti_entropy,
    coordinator::{ItemRequest, PeerQueryLog},
    driver::MembershipDriver,
    gossip::{Gossip, GossipError, GossipIdentity},
    hints,
    members::Members,
    peer_state::{PeerParts, PeerState},
    phase::MemberState,
    probe, ready,
    replica::Replica,
    scan,
    server::router,
    state_file::{StateFile, StateFileError},
    summary::SummaryCollector,
    timing::Timing,
    unavailable::Unavailable,
};
use crate::{
    runtime::{self, MetricsRegistry, Shutdown},
    storage::{Storage, StorageError},
};
use maquette_contract::{ComponentName, ItemKey, Observations, PeerObservation, Record, Summary};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

/// Why a peer cannot start, or go on.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// There is no volume.
    #[error("a peer keeps items: give it a directory with --data DIR")]
    NoData,
    /// The configuration names no member.
    #[error("the configuration names no member; list at least this peer")]
    NoMembers,
    /// The items cannot be had.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What else is on the volume cannot be had.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// The other peers cannot be spoken to.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// The port for copies is not what it should be.
    #[error(transparent)]
    Listen(#[from] runtime::ListenError),
}

/// What a peer starts from.
pub(super) struct PeerSetup {
    /// The pod's name.
    pub(super) name: String,
    /// Keeps apart the peers of different Architectures.
    pub(super) overlay: String,
    /// The volume.
    pub(super) data: PathBuf,
    /// The port for copies; gossip uses the same number.
    pub(super) listener: TcpListener,
    /// The members that the configuration names.
    pub(super) members: watch::Receiver<Members>,
    pub(super) timing: Timing,
    pub(super) shutdown: Shutdown,
}

/// A peer that runs. Dropping it ends it at once.
pub(super) struct PeerHandle {
    pub(super) node: Arc<PeerState>,
    started: Instant,
    storage: Storage,
    /// Tells why the volume does not take where the peer stands.
    state_file_failure: Mutex<oneshot::Receiver<StateFileError>>,
    // Dropped with the peer, which ends them.
    _tasks: JoinSet<()>,
}

impl PeerHandle {
    /// Starts a peer.
    pub(super) async fn start(setup: PeerSetup) -> Result<Self, PeerError> {
        let PeerSetup { name: me, overlay, data, listener, members, timing, shutdown } = setup;
        let volume = StateFile::new(&data);
        let storage = open_storage(data).await?;
        let mut saved = volume.load()?;
        saved.generation = runtime::wall_millis().max(saved.generation + 1);
        volume.save(&saved)?;
        let generation = saved.generation;
        let layout = members.borrow().layout.clone();
        let state = MemberState::from_saved(&me, generation, layout, saved.transition);
        let replica = Replica::new(storage.clone());
        let (name, domain) = (me.clone(), overlay.clone());
        let following = members.clone();
        let parts = PeerParts { name: me, overlay, replica, state, members: following, timing };
        let node = Arc::new(PeerState::new(parts));
        let listen = runtime::serve::address(&listener)?;
        let identity = GossipIdentity { name, generation, overlay: domain, listen };
        let gossip = Arc::new(Gossip::start(identity, timing).await?);
        let membership =
            MembershipDriver::new(&node, &gossip, volume, generation, &members, &shutdown);
        let mut tasks = JoinSet::new();
        let routes = router(&node);
        tasks.spawn(async move {
            let settings = runtime::serve::constant_settings();
            runtime::serve::serve_http(listener, routes, &shutdown, settings).await;
        });
        spawn_gossip(&mut tasks, &node, &gossip);
        let (tell, stuck) = oneshot::channel();
        // Nobody listens only while the peer ends.
        tasks.spawn(async move { drop(tell.send(membership.run().await)) });
        spawn_background(&mut tasks, &node);
        let (started, stuck) = (Instant::now(), Mutex::new(stuck));
        Ok(Self { node, started, storage, state_file_failure: stuck, _tasks: tasks })
    }

    /// Registers what this peer counts.
    pub(super) fn register_metrics(&self, metrics: &MetricsRegistry) {
        self.node.metrics.register(metrics);
        self.storage.register_metrics(&mut metrics.registry());
    }

    /// Ends when the disk has failed.
    pub(super) async fn wait_for_failure(&self) -> PeerError {
        let stuck = async { (&mut *self.state_file_failure.lock().await).await };
        tokio::select! {
            error = self.storage.wait_for_failure() => error.into(),
            stuck = stuck => stuck.map_or(StorageError::Closed.into(), PeerError::from),
        }
    }

    /// Reads an item.
    pub(super) async fn read_item(
        &self,
        key: &ItemKey,
        deadline: Instant,
        note: PeerQueryLog<'_>,
    ) -> Result<Option<Record>, Unavailable> {
        ItemRequest { peer: &self.node, key, deadline, log: note }.read().await
    }

    /// Writes an item.
    pub(super) async fn write_item(
        &self,
        key: &ItemKey,
        value: serde_json::Value,
        deadline: Instant,
        note: PeerQueryLog<'_>,
    ) -> Result<Record, Unavailable> {
        ItemRequest { peer: &self.node, key, deadline, log: note }.write(value).await
    }

    /// Sees to it that every later read finds this version of an item or a newer one. Repeating it
    /// changes nothing.
    pub(super) async fn store_version(
        &self,
        key: &ItemKey,
        record: &Record,
        deadline: Instant,
        note: PeerQueryLog<'_>,
    ) -> Result<(), Unavailable> {
        // An owner that has a newer one says yes and keeps that.
        ItemRequest { peer: &self.node, key, deadline, log: note }
            .write_to_quorum(record, BTreeSet::new())
            .await
    }

    /// Gathers the summary.
    pub(super) async fn summary(
        &self,
        deadline: Instant,
        note: PeerQueryLog<'_>,
    ) -> Result<Summary, Unavailable> {
        let gathered = scan::collect_items(&self.node, None, deadline, note);
        gathered.await.map(|SummaryCollector { summary, .. }| summary)
    }

    /// What is missing until the peer has joined; nothing if it has.
    pub(super) fn join_blocker(&self) -> Option<String> {
        let patient = self.started.elapsed() < self.node.timing.solo_timeout;
        ready::join_blocker(self.node.me(), &self.node.state(), &self.node.reports(), patient)
    }

    /// What is missing until the peer has all copies that it can have; nothing if it has them.
    pub(super) fn replication_blocker(&self) -> Option<String> {
        ready::replication_blocker(self.node.me(), &self.node.state(), &self.node.reports())
    }

    /// Adds what this peer sees to a report, in which all other edges are; `to` is the peers' own
    /// node.
    pub(super) fn add_observations(&self, to: &ComponentName, report: &mut Observations) {
        let observed = self.observation();
        report.items = Some(self.node.replica().count());
        report.peer = Some(observed);
        report.edges.insert(0, self.node.edge.observation(to));
    }

    /// What this peer sees of the others and of its own items.
    pub(super) fn observation(&self) -> PeerObservation {
        let (state, reports) = (self.node.state(), self.node.reports());
        let me = self.node.me();
        let configured = self.node.members.borrow().layout.clone();
        let members = configured.members().iter();
        let members = members.filter(|name| *name == me || reports.is_live(name));
        let not_whole = ready::under_replicated(me, &state, &reports, self.node.count_items());
        PeerObservation { members: members.cloned().collect(), under_replicated: not_whole }
    }
}

/// Opening recovers the file if need be, which may take a while.
async fn open_storage(data: PathBuf) -> Result<Storage, PeerError> {
    let opening = tokio::task::spawn_blocking(move || Storage::open(&data));
    Ok(opening.await.unwrap_or(Err(StorageError::Closed))?)
}

fn spawn_gossip(tasks: &mut JoinSet<()>, node: &Arc<PeerState>, gossip: &Arc<Gossip>) {
    let (follower, seeker) = (Arc::clone(gossip), Arc::clone(gossip));
    let (following, seeking) = (Arc::clone(node), Arc::clone(node));
    tasks.spawn(async move { follower.follow_reports(&following.reports).await });
    tasks.spawn(async move {
        let reports = seeking.reports.subscribe();
        seeker.discover_members(&seeking.members, &reports).await;
    });
}

/// What goes on as long as the peer runs.
fn spawn_background(tasks: &mut JoinSet<()>, node: &Arc<PeerState>) {
    let (checking, healing) = (Arc::clone(node), Arc::clone(node));
    let (probing, counting) = (Arc::clone(node), Arc::clone(node));
    tasks.spawn(async move { anti_entropy::run(&checking).await });
    tasks.spawn(async move { hints::run(&healing).await });
    tasks.spawn(async move { probe::run(&probing).await });
    tasks.spawn(async move { update_gauges(&counting).await });
}

/// Keeps the gauges and the count of items true.
async fn update_gauges(node: &PeerState) {
    let mut reports = node.reports.subscribe();
    loop {
        let (held, not_whole) = node.count_items();
        let reports_now = Arc::clone(&reports.borrow_and_update());
        let state = node.state();
        let live =
            state.configured.members().iter().filter(|name| reports_now.is_live(name)).count();
        node.metrics.live_members.set(i64::try_from(live).unwrap_or(i64::MAX));
        node.metrics.items.set(i64::try_from(held).unwrap_or(i64::MAX));
        node.metrics.under_replicated.set(i64::try_from(not_whole).unwrap_or(i64::MAX));
        let _ = timeout(node.timing.discovery_interval, reports.changed()).await;
    }
}
