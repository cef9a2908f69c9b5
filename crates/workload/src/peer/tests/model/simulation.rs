//! Simulated peers: the rules are real, time, network and disks are not.

use crate::peer::{
    coordinate::Quorum,
    membership::{
        GossipReport, Layout, LayoutTransition, MemberState, ObservedPeer, PeerTransition, Phase,
        Reports, VolumeTrust,
    },
    repair::ClusterView,
};
use maquette_contract::ItemKey;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PEERS: usize = 5;
pub(super) const ITEMS: usize = 2;

fn name(peer: usize) -> String {
    format!("p-{peer}")
}

fn key(item: usize) -> ItemKey {
    ItemKey::parse(&format!("orders/{item}")).unwrap()
}

pub(super) fn layout(number: usize) -> Layout {
    let (members, replicas): (&[usize], u32) = match number {
        0 => (&[0, 1, 2], 3),
        1 => (&[0, 1, 2, 3, 4], 3),
        2 => (&[0, 1, 2, 3], 3),
        _ => (&[0, 1, 2, 3, 4], 5),
    };
    Layout::new(members.iter().map(|peer| name(*peer)), replicas).unwrap()
}

/// A write in progress.
#[derive(Clone, Debug)]
pub(super) struct PendingWrite {
    item: usize,
    version: u64,
    holders: BTreeSet<String>,
}

pub(super) struct SimulatedPeer {
    pub(super) state: MemberState,
    pub(super) up: bool,
    pub(super) disk: BTreeMap<usize, u64>,
    pub(super) saved: Option<LayoutTransition>,
    reports: Reports,
    checked: BTreeMap<String, u64>,
    sweep: Option<(ClusterView, BTreeMap<usize, u64>)>,
    writes: Vec<PendingWrite>,
}

pub(super) struct Simulation {
    pub(super) peers: Vec<SimulatedPeer>,
    pub(super) configured: usize,
    pub(super) clock: u64,
    /// The newest version of each item that a write or a read has returned.
    acknowledged: BTreeMap<usize, u64>,
    pub(super) has_lost_volume: bool,
    pub(super) reads: usize,
}

impl Simulation {
    pub(super) fn new() -> Self {
        let peer = |peer| {
            let configured = layout(0);
            let saved = configured
                .has_member(&name(peer))
                .then(|| LayoutTransition::settled(configured.clone()));
            SimulatedPeer {
                state: MemberState::from_saved(
                    &name(peer),
                    1,
                    configured,
                    saved.clone(),
                    VolumeTrust::joined(BTreeSet::new()),
                ),
                up: true,
                disk: BTreeMap::new(),
                saved,
                reports: Reports::default(),
                checked: BTreeMap::new(),
                sweep: None,
                writes: Vec::new(),
            }
        };
        Self {
            peers: (0..PEERS).map(peer).collect(),
            configured: 0,
            clock: 10,
            acknowledged: BTreeMap::new(),
            has_lost_volume: false,
            reads: 0,
        }
    }

    fn report(&self, peer: usize) -> GossipReport {
        let SimulatedPeer { state, checked, .. } = &self.peers[peer];
        GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked: checked.clone(),
            stopping: false,
            volume: None,
            progress: None,
            known: Default::default(),
        }
    }

    /// A peer receives the newest report of another; of a peer that is down, only that it is down.
    pub(super) fn deliver_report(&mut self, peer: usize, of: usize) {
        let live = self.peers[of].up;
        let before = self.peers[peer].reports.report_of(&name(of)).cloned();
        let report = if live { Some(self.report(of)) } else { before };
        let observed = ObservedPeer { report, live, address: ([127, 0, 0, 1], 1).into() };
        self.peers[peer].reports.0.insert(name(of), observed);
    }

    fn save(&mut self, peer: usize) {
        let peer = &mut self.peers[peer];
        peer.saved = match &peer.state.phase {
            Phase::Active(transition) => Some(transition.clone()),
            Phase::Joining | Phase::Removed => None,
        };
    }

    fn quorum(&self, via: usize, item: usize) -> Option<Quorum> {
        match &self.peers[via].state.phase {
            Phase::Active(transition) if self.peers[via].up => {
                Some(Quorum::new(transition, &key(item)))
            }
            _ => None,
        }
    }

    /// The owners that reply: they are up, and `mask` does not lose their reply.
    fn answering_owners(&self, quorum: &Quorum, mask: u8) -> Vec<usize> {
        let owners = quorum.all_owners();
        let answers = |peer: &usize| {
            owners.contains(&name(*peer)) && self.peers[*peer].up && mask & (1 << peer) != 0
        };
        (0..PEERS).filter(answers).collect()
    }

    /// The newest version and its holders, if a read quorum replies.
    fn read_quorum(&self, via: usize, item: usize, mask: u8) -> Option<(u64, BTreeSet<String>)> {
        let quorum = self.quorum(via, item)?;
        let answering = self.answering_owners(&quorum, mask);
        let votes = answering
            .iter()
            .filter(|peer| self.peers[**peer].state.votes_for(&name(**peer), &key(item)));
        let found = |peer: &usize| self.peers[*peer].disk.get(&item).copied().unwrap_or(0);
        if !quorum.is_readable_from(&votes.map(|peer| name(*peer)).collect()) {
            return None;
        }
        let newest = answering.iter().map(found).max()?;
        let holders = answering.iter().filter(|peer| found(peer) == newest);
        Some((newest, holders.map(|peer| name(*peer)).collect()))
    }

    /// Writes a version to the owners that reply, and returns them.
    fn store_copies(
        &mut self,
        via: usize,
        item: usize,
        version: u64,
        mask: u8,
    ) -> BTreeSet<String> {
        let Some(quorum) = self.quorum(via, item) else { return BTreeSet::new() };
        let answering = self.answering_owners(&quorum, mask);
        for peer in &answering {
            let stored = self.peers[*peer].disk.entry(item).or_default();
            *stored = version.max(*stored);
        }
        answering.into_iter().map(name).collect()
    }

    fn acknowledge(&mut self, item: usize, version: u64) {
        let newest = self.acknowledged.entry(item).or_default();
        *newest = version.max(*newest);
    }

    pub(super) fn read(&mut self, via: usize, item: usize, mask: u8) {
        let Some((version, mut holders)) = self.read_quorum(via, item, mask) else { return };
        let expected = self.acknowledged.get(&item).copied().unwrap_or(0);
        assert!(version >= expected, "item {item} via {via}: {version} after {expected}");
        self.reads += 1;
        if version > 0 {
            holders.extend(self.store_copies(via, item, version, mask));
            if self.quorum(via, item).is_some_and(|quorum| quorum.is_durable_on(&holders)) {
                self.acknowledge(item, version);
            }
        }
    }

    pub(super) fn begin_write(&mut self, via: usize, item: usize, mask: u8) {
        if self.read_quorum(via, item, mask.rotate_left(1)).is_some() {
            self.clock += 1;
            let version = self.clock;
            let holders = self.store_copies(via, item, version, mask);
            self.peers[via].writes.push(PendingWrite { item, version, holders });
        }
    }

    pub(super) fn end_write(&mut self, via: usize) {
        if let Some(PendingWrite { item, version, holders }) = self.peers[via].writes.pop()
            && self.quorum(via, item).is_some_and(|quorum| quorum.is_durable_on(&holders))
        {
            self.acknowledge(item, version);
        }
    }

    /// A sweep sees all items as they are when it starts, as if it took long.
    fn begin_sweep(&mut self, peer: usize) {
        let simulated = &mut self.peers[peer];
        let view = ClusterView::new(&name(peer), &simulated.state, &simulated.reports);
        simulated.sweep = view.map(|view| (view, simulated.disk.clone()));
    }

    pub(super) fn end_sweep(&mut self, peer: usize) {
        let Some((view, items)) = self.peers[peer].sweep.take() else { return };
        let mut failed = BTreeSet::new();
        for (item, version) in items {
            let assignment = view.assignment(&key(item));
            for other in &assignment.other_holders {
                let to: usize = other.trim_start_matches("p-").parse().unwrap();
                if self.peers[to].up {
                    let stored = self.peers[to].disk.entry(item).or_default();
                    *stored = version.max(*stored);
                } else {
                    failed.insert(other.clone());
                }
            }
            let replicated = !assignment.owner_down
                && assignment.other_holders.iter().all(|other| !failed.contains(other));
            if assignment.surplus
                && replicated
                && self.peers[peer].disk.get(&item) == Some(&version)
            {
                self.peers[peer].disk.remove(&item);
            }
        }
        self.peers[peer].checked = view.checked_peers(&failed);
    }

    fn advance_state(&mut self, peer: usize) {
        let simulated = &mut self.peers[peer];
        let reports = simulated.reports.clone();
        simulated.state.clear_checked(&name(peer), &reports);
        simulated.state.advance(&name(peer), &reports);
        self.save(peer);
    }

    fn join(&mut self, peer: usize) {
        let own_name = name(peer);
        let simulated = &self.peers[peer];
        let unchecked = simulated.state.unchecked_members(&own_name, &simulated.reports);
        let Some(unchecked) = unchecked else { return };
        let others = (0..PEERS).filter(|other| {
            let is_member = simulated.state.configured.has_member(&name(*other));
            *other != peer && is_member && !unchecked.contains(&name(*other))
        });
        let mut transitions = Vec::<PeerTransition>::new();
        for other in others {
            let SimulatedPeer { up, saved, .. } = &self.peers[other];
            if !up {
                return;
            }
            transitions.push(saved.clone());
        }
        self.peers[peer].state.complete_join(&transitions, unchecked);
        self.save(peer);
    }

    pub(super) fn start(&mut self, peer: usize, incarnation: u64) {
        // A pod starts with the newest configuration.
        let (saved, configured) = (self.peers[peer].saved.clone(), layout(self.configured));
        let simulated = &mut self.peers[peer];
        let trust = VolumeTrust::joined(simulated.state.trust.unchecked.clone());
        simulated.state =
            MemberState::from_saved(&name(peer), incarnation, configured, saved, trust);
        simulated.up = true;
        simulated.reports = Reports::default();
        simulated.checked = BTreeMap::new();
        simulated.sweep = None;
        simulated.writes = Vec::new();
    }

    /// All peers are up, receive all reports and take all steps until nothing changes.
    pub(super) fn stabilize(&mut self) {
        for peer in 0..PEERS {
            self.peers[peer].state.set_configured(layout(self.configured));
            if !self.peers[peer].up {
                self.clock += 1;
                self.start(peer, self.clock);
            }
        }
        for _ in 0..12 {
            for peer in 0..PEERS {
                self.step(peer);
                self.end_sweep(peer);
            }
        }
        let target = layout(self.configured);
        for peer in (0..PEERS).filter(|peer| target.has_member(&name(*peer))) {
            let phase = &self.peers[peer].state.phase;
            let settled = Phase::Active(LayoutTransition::settled(target.clone()));
            assert_eq!(phase, &settled, "peer {peer} has not settled");
            for item in 0..ITEMS {
                self.read(peer, item, u8::MAX);
            }
        }
    }

    /// Any read via any peer finds the acknowledged version, whichever owners reply. If some read
    /// quorum could miss it, then all peers that lack it would be a read quorum.
    pub(super) fn assert_no_read_is_stale(&self) {
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            let Some(quorum) = self.quorum(via, item) else { continue };
            let expected = self.acknowledged.get(&item).copied().unwrap_or(0);
            let lacking: BTreeSet<String> = (0..PEERS)
                .filter(|peer| {
                    let SimulatedPeer { up, state, disk, .. } = &self.peers[*peer];
                    let stored = disk.get(&item).copied().unwrap_or(0);
                    *up && state.votes_for(&name(*peer), &key(item)) && stored < expected
                })
                .map(name)
                .collect();
            assert!(
                !quorum.is_readable_from(&lacking),
                "item {item}: via {via}, {lacking:?} would hide {expected}"
            );
        }
    }

    pub(super) fn step(&mut self, peer: usize) {
        (0..PEERS).for_each(|of| self.deliver_report(peer, of));
        self.advance_state(peer);
        self.join(peer);
        if self.peers[peer].sweep.is_none() {
            self.begin_sweep(peer);
        }
    }
}
