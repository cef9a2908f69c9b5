//! Simulated peers: the rules are real, time, network and disks are not.

use super::operations::Operation;
use crate::peer::{
    membership::{
        GossipReport, Layout, LayoutTransition, MemberState, ObservedPeer, PeerTransition, Phase,
        Reports, VolumeId, VolumeTrust,
    },
    repair::ClusterView,
};
use maquette_contract::ItemKey;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PEERS: usize = 5;
pub(super) const ITEMS: usize = 2;

pub(super) fn name(peer: usize) -> String {
    format!("p-{peer}")
}

pub(super) fn key(item: usize) -> ItemKey {
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

pub(super) struct SimulatedPeer {
    pub(super) state: MemberState,
    pub(super) up: bool,
    pub(super) disk: BTreeMap<usize, u64>,
    pub(super) saved: Option<LayoutTransition>,
    pub(super) reports: Reports,
    /// The identity of the volume.
    pub(super) volume: u64,
    /// Whether no gossip reaches it or comes from it; requests do.
    pub(super) isolated: bool,
    checked: BTreeMap<String, u64>,
    sweep: Option<(ClusterView, BTreeMap<usize, u64>)>,
    /// The operations in progress that it coordinates.
    pub(super) operations: Vec<Operation>,
}

/// The rules that a simulation follows; the model leaves one out to show what it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Replicas refuse operations under layouts that they have left.
    pub(super) fences: bool,
    /// Replies from a volume that is replaced do not count.
    pub(super) volumes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fences: true, volumes: true }
    }
}

pub(super) struct Simulation {
    pub(super) rules: Rules,
    /// The first read that misses an acknowledged write, if there is one.
    pub(super) violation: Option<String>,
    pub(super) peers: Vec<SimulatedPeer>,
    pub(super) configured: usize,
    pub(super) clock: u64,
    /// The newest version of each item that a write or a read has returned.
    pub(super) acknowledged: BTreeMap<usize, u64>,
    pub(super) has_lost_volume: bool,
    pub(super) reads: usize,
}

impl Simulation {
    pub(super) fn new(rules: Rules) -> Self {
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
                volume: 1,
                isolated: false,
                checked: BTreeMap::new(),
                sweep: None,
                operations: Vec::new(),
            }
        };
        Self {
            rules,
            violation: None,
            peers: (0..PEERS).map(peer).collect(),
            configured: 0,
            clock: 10,
            acknowledged: BTreeMap::new(),
            has_lost_volume: false,
            reads: 0,
        }
    }

    fn report(&self, peer: usize) -> GossipReport {
        let SimulatedPeer { state, checked, volume, .. } = &self.peers[peer];
        GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked: checked.clone(),
            stopping: false,
            volume: Some(VolumeId(*volume)),
            progress: None,
            known: Default::default(),
        }
    }

    /// A peer receives the newest report of another; of a peer that is down, only that it is down.
    pub(super) fn deliver_report(&mut self, peer: usize, of: usize) {
        let is_cut = peer != of && (self.peers[peer].isolated || self.peers[of].isolated);
        let live = self.peers[of].up && !is_cut;
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
        simulated.operations = Vec::new();
    }

    /// All peers are up, receive all reports and take all steps until nothing changes.
    pub(super) fn stabilize(&mut self) {
        for peer in 0..PEERS {
            self.peers[peer].isolated = false;
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

    pub(super) fn step(&mut self, peer: usize) {
        (0..PEERS).for_each(|of| self.deliver_report(peer, of));
        self.advance_state(peer);
        self.join(peer);
        if self.peers[peer].sweep.is_none() {
            self.begin_sweep(peer);
        }
    }
}
