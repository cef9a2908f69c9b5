//! A peer as a whole: its parts, started in order, and its answers.

use super::{
    ask::{Note, Operation},
    check,
    gossip::{Gossip, GossipError, Identity},
    heal, lists,
    members::Members,
    membership::Membership,
    node::{Node, Parts},
    phase::State,
    probe, ready,
    replica::Replica,
    serve::router,
    summary::Sum,
    timing::Timing,
    unavailable::Unavailable,
    volume::{Volume, VolumeError},
};
use crate::{
    runtime::{self, Metrics, Shutdown},
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
    Volume(#[from] VolumeError),
    /// The other peers cannot be spoken to.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// The port for copies is not what it should be.
    #[error(transparent)]
    Listen(#[from] runtime::ListenError),
}

/// What a peer starts from.
pub(super) struct Setup {
    /// The pod's name.
    pub(super) me: String,
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
pub(super) struct Running {
    pub(super) node: Arc<Node>,
    started: Instant,
    storage: Storage,
    /// Tells why the volume does not take where the peer stands.
    stuck: Mutex<oneshot::Receiver<VolumeError>>,
    // Dropped with the peer, which ends them.
    _tasks: JoinSet<()>,
}

impl Running {
    /// Starts a peer.
    pub(super) async fn start(setup: Setup) -> Result<Self, PeerError> {
        let Setup { me, overlay, data, listener, members, timing, shutdown } = setup;
        let volume = Volume::new(&data);
        let storage = open(data).await?;
        let mut saved = volume.load()?;
        saved.generation = runtime::wall_millis().max(saved.generation + 1);
        volume.save(&saved)?;
        let generation = saved.generation;
        let layout = members.borrow().layout.clone();
        let state = State::start(&me, generation, layout, saved.standing);
        let replica = Replica::new(storage.clone());
        let (name, domain) = (me.clone(), overlay.clone());
        let following = members.clone();
        let parts = Parts { me, overlay, replica, state, members: following, timing };
        let node = Arc::new(Node::new(parts));
        let listen = runtime::serve::address(&listener)?;
        let identity = Identity { name, generation, overlay: domain, listen };
        let gossip = Arc::new(Gossip::start(identity, timing).await?);
        let membership = Membership::new(&node, &gossip, volume, generation, &members, &shutdown);
        let mut tasks = JoinSet::new();
        let routes = router(&node);
        tasks.spawn(async move {
            let settings = runtime::serve::unchanging();
            runtime::serve::serve(listener, routes, &shutdown, settings).await;
        });
        spawn_gossip(&mut tasks, &node, &gossip);
        let (tell, stuck) = oneshot::channel();
        // Nobody listens only while the peer ends.
        tasks.spawn(async move { drop(tell.send(membership.run().await)) });
        for_ever(&mut tasks, &node);
        let (started, stuck) = (Instant::now(), Mutex::new(stuck));
        Ok(Self { node, started, storage, stuck, _tasks: tasks })
    }

    /// Registers what this peer counts.
    pub(super) fn register(&self, metrics: &Metrics) {
        self.node.meters.register(metrics);
        self.storage.register(&mut metrics.registry());
    }

    /// Ends when the disk has failed.
    pub(super) async fn failed(&self) -> PeerError {
        let stuck = async { (&mut *self.stuck.lock().await).await };
        tokio::select! {
            error = self.storage.failed() => error.into(),
            stuck = stuck => stuck.map_or(StorageError::Closed.into(), PeerError::from),
        }
    }

    /// Reads an item.
    pub(super) async fn get(
        &self,
        key: &ItemKey,
        deadline: Instant,
        note: Note<'_>,
    ) -> Result<Option<Record>, Unavailable> {
        Operation { node: &self.node, key, deadline, note }.read().await
    }

    /// Writes an item.
    pub(super) async fn put(
        &self,
        key: &ItemKey,
        value: serde_json::Value,
        deadline: Instant,
        note: Note<'_>,
    ) -> Result<Record, Unavailable> {
        Operation { node: &self.node, key, deadline, note }.write(value).await
    }

    /// Sees to it that every later read finds this version of an item or a newer one. Repeating it
    /// changes nothing.
    pub(super) async fn keep(
        &self,
        key: &ItemKey,
        record: &Record,
        deadline: Instant,
        note: Note<'_>,
    ) -> Result<(), Unavailable> {
        // An owner that has a newer one says yes and keeps that.
        Operation { node: &self.node, key, deadline, note }.keep(record, BTreeSet::new()).await
    }

    /// Gathers the summary.
    pub(super) async fn summary(
        &self,
        deadline: Instant,
        note: Note<'_>,
    ) -> Result<Summary, Unavailable> {
        let gathered = lists::gather(&self.node, None, deadline, note);
        gathered.await.map(|Sum { summary, .. }| summary)
    }

    /// What is missing until the peer has joined; nothing if it has.
    pub(super) fn not_joined(&self) -> Option<String> {
        let patient = self.started.elapsed() < self.node.timing.alone;
        ready::joined(self.node.me(), &self.node.state(), &self.node.reports(), patient)
    }

    /// What is missing until the peer has all copies that it can have; nothing if it has them.
    pub(super) fn not_whole(&self) -> Option<String> {
        ready::whole(self.node.me(), &self.node.state(), &self.node.reports())
    }

    /// Adds what this peer sees to a report, in which all other edges are; `to` is the peers' own
    /// node.
    pub(super) fn observe(&self, to: &ComponentName, report: &mut Observations) {
        let observed = self.observed();
        report.items = Some(self.node.replica().count());
        report.peer = Some(observed);
        report.edges.insert(0, self.node.edge.observe(to));
    }

    /// What this peer sees of the others and of its own items.
    pub(super) fn observed(&self) -> PeerObservation {
        let (state, reports) = (self.node.state(), self.node.reports());
        let me = self.node.me();
        let configured = self.node.members.borrow().layout.clone();
        let members = configured.members().iter();
        let members = members.filter(|name| *name == me || reports.is_live(name));
        let not_whole = ready::not_whole(me, &state, &reports, self.node.counted());
        PeerObservation { members: members.cloned().collect(), under_replicated: not_whole }
    }
}

/// Opening recovers the file if need be, which may take a while.
async fn open(data: PathBuf) -> Result<Storage, PeerError> {
    let opening = tokio::task::spawn_blocking(move || Storage::open(&data));
    Ok(opening.await.unwrap_or(Err(StorageError::Closed))?)
}

fn spawn_gossip(tasks: &mut JoinSet<()>, node: &Arc<Node>, gossip: &Arc<Gossip>) {
    let (follower, seeker) = (Arc::clone(gossip), Arc::clone(gossip));
    let (following, seeking) = (Arc::clone(node), Arc::clone(node));
    tasks.spawn(async move { follower.follow(&following.reports).await });
    tasks.spawn(async move {
        let reports = seeking.reports.subscribe();
        seeker.seek(&seeking.members, &reports).await;
    });
}

/// What goes on as long as the peer runs.
fn for_ever(tasks: &mut JoinSet<()>, node: &Arc<Node>) {
    let (checking, healing) = (Arc::clone(node), Arc::clone(node));
    let (probing, counting) = (Arc::clone(node), Arc::clone(node));
    tasks.spawn(async move { check::run(&checking).await });
    tasks.spawn(async move { heal::run(&healing).await });
    tasks.spawn(async move { probe::run(&probing).await });
    tasks.spawn(async move { count(&counting).await });
}

/// Keeps the gauges and the count of items true.
async fn count(node: &Node) {
    let mut reports = node.reports.subscribe();
    loop {
        let (held, not_whole) = node.counted();
        let reports_now = Arc::clone(&reports.borrow_and_update());
        let state = node.state();
        let live = state.wanted.members().iter().filter(|name| reports_now.is_live(name)).count();
        node.meters.live.set(i64::try_from(live).unwrap_or(i64::MAX));
        node.meters.items.set(i64::try_from(held).unwrap_or(i64::MAX));
        node.meters.not_whole.set(i64::try_from(not_whole).unwrap_or(i64::MAX));
        let _ = timeout(node.timing.seek, reports.changed()).await;
    }
}
