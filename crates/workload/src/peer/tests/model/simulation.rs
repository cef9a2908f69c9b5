//! Peers that are played: the rules are real, time, network and disks are not.

use crate::peer::{
    coordinate::Quorum,
    membership::{
        GossipReport, Layout, LayoutTransition, MemberState, ObservedPeer, PeerTransition, Phase,
        Reports,
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

/// A write under way.
#[derive(Clone, Debug)]
pub(super) struct PendingWrite {
    item: usize,
    version: u64,
    holders: BTreeSet<String>,
}

/// A peer that is played.
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
    /// The newest version of each item that somebody was told, by a write or a read.
    acknowledged: BTreeMap<usize, u64>,
    pub(super) has_lost_volume: bool,
    pub(super) reads: usize,
}

impl Simulation {
    pub(super) fn new() -> Self {
        let peer = |peer| {
            let wanted = layout(0);
            let saved =
                wanted.has_member(&name(peer)).then(|| LayoutTransition::settled(wanted.clone()));
            SimulatedPeer {
                state: MemberState::from_saved(&name(peer), 1, wanted, saved.clone()),
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
        }
    }

    /// One peer hears the newest report of another; of one that is down, only that it is.
    pub(super) fn deliver_report(&mut self, peer: usize, of: usize) {
        let live = self.peers[of].up;
        let before = self.peers[peer].reports.0.get(&name(of)).and_then(|seen| seen.report.clone());
        let report = if live { Some(self.report(of)) } else { before };
        let seen = ObservedPeer { report, live, address: ([127, 0, 0, 1], 1).into() };
        self.peers[peer].reports.0.insert(name(of), seen);
    }

    fn save(&mut self, peer: usize) {
        let peer = &mut self.peers[peer];
        peer.saved = match &peer.state.phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Joining | Phase::Removed => None,
        };
    }

    fn quorum(&self, via: usize, item: usize) -> Option<Quorum> {
        match &self.peers[via].state.phase {
            Phase::Active(standing) if self.peers[via].up => {
                Some(Quorum::new(standing, &key(item)))
            }
            _ => None,
        }
    }

    /// Those of the owners that answer: who is up, and whose answer is not lost.
    fn answering_owners(&self, quorum: &Quorum, mask: u8) -> Vec<usize> {
        let owners = quorum.all_owners();
        let answers = |peer: &usize| {
            owners.contains(&name(*peer)) && self.peers[*peer].up && mask & (1 << peer) != 0
        };
        (0..PEERS).filter(answers).collect()
    }

    /// What a reader finds, if that is enough, and who has it.
    fn read_quorum(&self, via: usize, item: usize, mask: u8) -> Option<(u64, BTreeSet<String>)> {
        let quorum = self.quorum(via, item)?;
        let answering = self.answering_owners(&quorum, mask);
        let votes = answering.iter().filter(|peer| self.peers[**peer].state.counts_for_quorum());
        let found = |peer: &usize| self.peers[*peer].disk.get(&item).copied().unwrap_or(0);
        if !quorum.is_readable_from(&votes.map(|peer| name(*peer)).collect()) {
            return None;
        }
        let newest = answering.iter().map(found).max()?;
        let holders = answering.iter().filter(|peer| found(peer) == newest);
        Some((newest, holders.map(|peer| name(*peer)).collect()))
    }

    /// Gives a version to those who answer; all who have it then.
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
            let held = self.peers[*peer].disk.entry(item).or_default();
            *held = version.max(*held);
        }
        answering.into_iter().map(name).collect()
    }

    fn acknowledge(&mut self, item: usize, version: u64) {
        let told = self.acknowledged.entry(item).or_default();
        *told = version.max(*told);
    }

    pub(super) fn read(&mut self, via: usize, item: usize, mask: u8) {
        let Some((version, mut holders)) = self.read_quorum(via, item, mask) else { return };
        let told = self.acknowledged.get(&item).copied().unwrap_or(0);
        assert!(version >= told, "item {item} via {via}: found {version} after {told}");
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

    /// All that a check will look at is looked at when it begins, as if it were slow from then on.
    fn begin_sweep(&mut self, peer: usize) {
        let played = &mut self.peers[peer];
        let absent = BTreeSet::new();
        let situation = ClusterView::new(&name(peer), &played.state, &played.reports, &absent);
        played.sweep = situation.map(|situation| (situation, played.disk.clone()));
    }

    pub(super) fn end_sweep(&mut self, peer: usize) {
        let Some((situation, items)) = self.peers[peer].sweep.take() else { return };
        let mut failed = BTreeSet::new();
        for (item, version) in items {
            let duty = situation.assignment(&key(item));
            for other in &duty.other_holders {
                let to: usize = other.trim_start_matches("p-").parse().unwrap();
                if self.peers[to].up {
                    let held = self.peers[to].disk.entry(item).or_default();
                    *held = version.max(*held);
                } else {
                    failed.insert(other.clone());
                }
            }
            let whole =
                !duty.owner_down && duty.other_holders.iter().all(|other| !failed.contains(other));
            if duty.surplus && whole && self.peers[peer].disk.get(&item) == Some(&version) {
                self.peers[peer].disk.remove(&item);
            }
        }
        self.peers[peer].checked = situation.checked_peers(&failed);
    }

    fn advance_state(&mut self, peer: usize) {
        let played = &mut self.peers[peer];
        let reports = played.reports.clone();
        played.state.advance(&name(peer), &reports);
        self.save(peer);
    }

    fn join(&mut self, peer: usize) {
        let me = name(peer);
        let played = &self.peers[peer];
        if played.state.phase != Phase::Joining
            || !played.state.is_checked_by_all(&me, &played.reports)
        {
            return;
        }
        let others = (0..PEERS)
            .filter(|other| *other != peer && played.state.configured.has_member(&name(*other)));
        let mut transitions = Vec::<PeerTransition>::new();
        for other in others {
            let SimulatedPeer { up, saved, .. } = &self.peers[other];
            if !up {
                return;
            }
            transitions.push(saved.clone());
        }
        self.peers[peer].state.complete_join(&transitions);
        self.save(peer);
    }

    pub(super) fn start(&mut self, peer: usize, stamp: u64) {
        // A pod that starts gets the newest configuration.
        let (saved, wanted) = (self.peers[peer].saved.clone(), layout(self.configured));
        let played = &mut self.peers[peer];
        played.state = MemberState::from_saved(&name(peer), stamp, wanted, saved);
        played.up = true;
        played.reports = Reports::default();
        played.checked = BTreeMap::new();
        played.sweep = None;
        played.writes = Vec::new();
    }

    /// Everybody is up, hears everybody and does what is to be done, until nothing changes.
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
            let there = Phase::Active(LayoutTransition::settled(target.clone()));
            assert_eq!(phase, &there, "{peer} did not get there");
            for item in 0..ITEMS {
                self.read(peer, item, u8::MAX);
            }
        }
    }

    /// Whoever reads whatever now, and whoever answers: what was told is found. If some answers
    /// that are enough could miss it, then those of all who do not have it would be enough.
    pub(super) fn assert_reads_are_truthful(&self) {
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            let Some(quorum) = self.quorum(via, item) else { continue };
            let told = self.acknowledged.get(&item).copied().unwrap_or(0);
            let lacks = |peer: &&SimulatedPeer| peer.disk.get(&item).copied().unwrap_or(0) < told;
            let voters = self.peers.iter().enumerate();
            let voters =
                voters.filter(|(_, peer)| peer.up && peer.state.counts_for_quorum() && lacks(peer));
            let voters: BTreeSet<String> = voters.map(|(peer, _)| name(peer)).collect();
            assert!(
                !quorum.is_readable_from(&voters),
                "item {item}: via {via}, {voters:?} would hide {told}"
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
