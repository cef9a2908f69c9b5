//! A model of the first start and of lost volumes: peers that start at any time, late reports,
//! writes that reach some owners, one volume that is lost after enough others have met it. No read
//! may miss an acknowledged write.
//!
//! The rules are real; time, network and disks are simulated.

use crate::peer::{
    coordinate::Quorum,
    membership::{
        GossipReport, Layout, LayoutTransition, MemberState, ObservedPeer, PeerTransition, Phase,
        Reports, VolumeId, VolumeMemory, VolumeProgress, VolumeTrust,
    },
    repair::ClusterView,
};
use maquette_contract::ItemKey;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PEERS: usize = 5;
const ITEMS: usize = 3;

fn name(peer: usize) -> String {
    format!("p-{peer}")
}

fn key(item: usize) -> ItemKey {
    ItemKey::parse(&format!("orders/{item}")).unwrap()
}

fn layout(copies: u32) -> Layout {
    Layout::new((0..PEERS).map(name), copies).unwrap()
}

#[derive(Clone, Debug)]
enum Action {
    Start {
        peer: usize,
    },
    Stop {
        peer: usize,
    },
    DeliverReport {
        peer: usize,
        of: usize,
    },
    /// Takes the steps that the reports allow, and saves them.
    Step {
        peer: usize,
    },
    Sweep {
        peer: usize,
    },
    Write {
        via: usize,
        item: usize,
        mask: u8,
    },
    Read {
        via: usize,
        item: usize,
        mask: u8,
    },
    LoseVolume {
        peer: usize,
    },
}

fn any_action() -> impl Strategy<Value = Action> {
    let peer = || 0..PEERS;
    prop_oneof![
        6 => peer().prop_map(|peer| Action::Start { peer }),
        2 => peer().prop_map(|peer| Action::Stop { peer }),
        60 => (peer(), peer()).prop_map(|(peer, of)| Action::DeliverReport { peer, of }),
        40 => peer().prop_map(|peer| Action::Step { peer }),
        10 => peer().prop_map(|peer| Action::Sweep { peer }),
        20 => (peer(), 0..ITEMS, any::<u8>())
            .prop_map(|(via, item, mask)| Action::Write { via, item, mask }),
        10 => (peer(), 0..ITEMS, any::<u8>())
            .prop_map(|(via, item, mask)| Action::Read { via, item, mask }),
        1 => peer().prop_map(|peer| Action::LoseVolume { peer }),
    ]
}

/// What a volume holds.
#[derive(Clone, Debug, Default)]
struct Volume {
    id: u64,
    items: BTreeMap<usize, u64>,
    transition: Option<LayoutTransition>,
    trust: VolumeTrust,
    known: VolumeMemory,
}

struct SimulatedPeer {
    volume: Option<Volume>,
    /// While it runs.
    state: Option<MemberState>,
    reports: Reports,
    checked: BTreeMap<String, u64>,
}

struct Simulation {
    copies: u32,
    peers: Vec<SimulatedPeer>,
    clock: u64,
    has_lost_volume: bool,
    acknowledged: BTreeMap<usize, u64>,
}

impl Simulation {
    fn new(copies: u32) -> Self {
        let peer = |_| SimulatedPeer {
            volume: None,
            state: None,
            reports: Reports::default(),
            checked: BTreeMap::new(),
        };
        let peers = (0..PEERS).map(peer).collect();
        Self { copies, peers, clock: 1, has_lost_volume: false, acknowledged: BTreeMap::new() }
    }

    fn start(&mut self, peer: usize) {
        if self.peers[peer].state.is_some() {
            return;
        }
        self.clock += 1;
        let (boot, own_name) = (self.clock, name(peer));
        let simulated = &mut self.peers[peer];
        let volume = simulated.volume.get_or_insert_with(|| Volume {
            id: boot,
            trust: VolumeTrust { fresh: true, ..VolumeTrust::default() },
            ..Volume::default()
        });
        volume.known.meet(&own_name, VolumeId(volume.id), VolumeProgress { boot, mark: boot });
        let (transition, mut trust) = (volume.transition.clone(), volume.trust.clone());
        // Snapshots are not part of this model.
        trust.compared = true;
        let configured = layout(self.copies);
        let state = MemberState::from_saved(&own_name, boot, configured, transition, trust);
        simulated.state = Some(state);
        simulated.reports = Reports::default();
        simulated.checked = BTreeMap::new();
    }

    fn report(&self, peer: usize) -> Option<GossipReport> {
        let SimulatedPeer { volume, state, checked, .. } = &self.peers[peer];
        let (volume, state) = (volume.as_ref()?, state.as_ref()?);
        Some(GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked: checked.clone(),
            stopping: false,
            volume: Some(VolumeId(volume.id)),
            progress: volume.known.get(&name(peer)).map(|known| known.progress),
            known: volume.known.clone(),
        })
    }

    /// Of a peer that is down, only that it is down.
    fn deliver_report(&mut self, peer: usize, of: usize) {
        if self.peers[peer].state.is_none() || peer == of {
            return;
        }
        let new = self.report(of);
        let live = new.is_some();
        let report = new.or_else(|| self.peers[peer].reports.report_of(&name(of)).cloned());
        let observed = ObservedPeer { report, live, address: ([127, 0, 0, 1], 1).into() };
        self.peers[peer].reports.0.insert(name(of), observed);
    }

    fn step(&mut self, peer: usize) {
        let own_name = name(peer);
        let saved: Vec<PeerTransition> = self
            .peers
            .iter()
            .map(|it| {
                it.state.as_ref().and(it.volume.as_ref()).and_then(|it| it.transition.clone())
            })
            .collect();
        let up: Vec<bool> = self.peers.iter().map(|it| it.state.is_some()).collect();
        let SimulatedPeer { volume: Some(volume), state: Some(state), reports, .. } =
            &mut self.peers[peer]
        else {
            return;
        };
        // The members that are not up have had their time, whatever happens.
        state.notice_majority(&own_name, reports);
        state.begin_if_known(&own_name, VolumeId(volume.id), reports, true);
        state.clear_checked(&own_name, reports);
        state.adopt_second_votes(&own_name, reports);
        while state.advance(&own_name, reports) {}
        if let Some(unchecked) = state.unchecked_members(&own_name, reports) {
            let others: Vec<usize> = (0..PEERS)
                .filter(|other| *other != peer && !unchecked.contains(&name(*other)))
                .collect();
            if others.iter().all(|other| up[*other]) {
                let transitions: Vec<_> = others.iter().map(|it| saved[*it].clone()).collect();
                state.complete_join(&transitions, unchecked);
            }
        }
        for (name, other) in &reports.0 {
            let Some(report) = &other.report else { continue };
            volume.known.merge(&report.known);
            if let (Some(id), Some(progress)) = (report.volume, report.progress) {
                volume.known.meet(name, id, progress);
            }
        }
        volume.trust = state.trust.clone();
        volume.transition = match &state.phase {
            Phase::Active(transition) => Some(transition.clone()),
            Phase::Joining | Phase::Removed => None,
        };
    }

    /// Sends all copies to the owners that are up.
    fn sweep(&mut self, peer: usize) {
        let SimulatedPeer { volume: Some(volume), state: Some(state), reports, .. } =
            &self.peers[peer]
        else {
            return;
        };
        let Some(view) = ClusterView::new(&name(peer), state, reports) else { return };
        let (items, mut failed) = (volume.items.clone(), BTreeSet::new());
        for (item, version) in items {
            for other in view.assignment(&key(item)).other_holders {
                let to: usize = other.trim_start_matches("p-").parse().unwrap();
                if !self.store(to, item, version) {
                    failed.insert(other);
                }
            }
        }
        self.peers[peer].checked = view.checked_peers(&failed);
    }

    /// Returns whether the peer acknowledges the copy.
    fn store(&mut self, peer: usize, item: usize, version: u64) -> bool {
        match &mut self.peers[peer] {
            SimulatedPeer { volume: Some(volume), state: Some(state), .. } if state.trust.known => {
                let stored = volume.items.entry(item).or_default();
                *stored = version.max(*stored);
                true
            }
            _ => false,
        }
    }

    fn quorum(&self, via: usize, item: usize) -> Option<Quorum> {
        match &self.peers[via].state.as_ref()?.phase {
            Phase::Active(transition) => Some(Quorum::new(transition, &key(item))),
            Phase::Joining | Phase::Removed => None,
        }
    }

    fn answering(quorum: &Quorum, mask: u8) -> impl Iterator<Item = usize> {
        let owners = quorum.all_owners();
        (0..PEERS).filter(move |peer| owners.contains(&name(*peer)) && mask & (1 << peer) != 0)
    }

    fn votes(&self, peer: usize, item: usize) -> bool {
        let state = self.peers[peer].state.as_ref();
        state.is_some_and(|state| state.votes_for(&name(peer), &key(item)))
    }

    fn stored(&self, peer: usize, item: usize) -> u64 {
        let volume = self.peers[peer].volume.as_ref();
        volume.and_then(|volume| volume.items.get(&item)).copied().unwrap_or(0)
    }

    /// The newest version, if a read quorum replies.
    fn read(&self, via: usize, item: usize, mask: u8) -> Option<u64> {
        let quorum = self.quorum(via, item)?;
        let voters: Vec<usize> =
            Self::answering(&quorum, mask).filter(|peer| self.votes(*peer, item)).collect();
        let is_quorum = quorum.is_readable_from(&voters.iter().map(|it| name(*it)).collect());
        is_quorum.then(|| voters.iter().map(|peer| self.stored(*peer, item)).max().unwrap_or(0))
    }

    fn write(&mut self, via: usize, item: usize, mask: u8) {
        let (Some(_), Some(quorum)) = (self.read(via, item, u8::MAX), self.quorum(via, item))
        else {
            return;
        };
        self.clock += 1;
        let version = self.clock;
        let answering: Vec<usize> = Self::answering(&quorum, mask).collect();
        let holders: BTreeSet<String> = answering
            .into_iter()
            .filter(|peer| self.store(*peer, item, version))
            .map(name)
            .collect();
        if quorum.is_durable_on(&holders) {
            self.acknowledged.insert(item, version);
        }
    }

    /// What the module promises: a volume may be lost once one more than a majority, itself
    /// included, have met it, and a write on it has another copy.
    fn lose_volume(&mut self, peer: usize) {
        let Some(volume) = &self.peers[peer].volume else { return };
        let id = Some(VolumeId(volume.id));
        let met = self.peers.iter().filter(|other| {
            let volume = other.volume.as_ref();
            volume.and_then(|it| it.known.get(&name(peer))).is_some_and(|it| it.first == id)
        });
        let has_copies = (0..ITEMS).all(|item| {
            let newest = self.acknowledged.get(&item).copied().unwrap_or(0);
            newest == 0
                || (0..PEERS).any(|other| other != peer && self.stored(other, item) >= newest)
        });
        if !self.has_lost_volume && met.count() > PEERS / 2 + 1 && has_copies {
            self.has_lost_volume = true;
            (self.peers[peer].volume, self.peers[peer].state) = (None, None);
        }
    }

    fn apply(&mut self, action: &Action) {
        match *action {
            Action::Start { peer } => self.start(peer),
            Action::Stop { peer } => self.peers[peer].state = None,
            Action::DeliverReport { peer, of } => self.deliver_report(peer, of),
            Action::Step { peer } => self.step(peer),
            Action::Sweep { peer } => self.sweep(peer),
            Action::Write { via, item, mask } => self.write(via, item, mask),
            Action::Read { via, item, mask } => {
                let expected = self.acknowledged.get(&item).copied().unwrap_or(0);
                if let Some(found) = self.read(via, item, mask) {
                    assert!(found >= expected, "item {item} via {via}: {found} after {expected}");
                }
            }
            Action::LoseVolume { peer } => self.lose_volume(peer),
        }
    }

    /// No set of peers that lack an acknowledged version is a read quorum.
    fn assert_no_read_is_stale(&self) {
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            let Some(quorum) = self.quorum(via, item) else { continue };
            let expected = self.acknowledged.get(&item).copied().unwrap_or(0);
            let lacking = (0..PEERS)
                .filter(|peer| self.votes(*peer, item) && self.stored(*peer, item) < expected);
            let lacking: BTreeSet<String> = lacking.map(name).collect();
            assert!(
                !quorum.is_readable_from(&lacking),
                "item {item}: via {via}, {lacking:?} would hide {expected}"
            );
        }
    }

    /// All peers in `up` run, hear of each other and take all steps.
    fn settle(&mut self, up: &[usize]) {
        up.iter().for_each(|peer| self.start(*peer));
        for _ in 0..10 {
            for peer in up {
                (0..PEERS).for_each(|of| self.deliver_report(*peer, of));
                self.step(*peer);
                self.sweep(*peer);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn no_order_of_first_starts_and_lost_volumes_hides_a_write(
        copies in 2_u32..5, actions in prop::collection::vec(any_action(), 100..800),
    ) {
        let mut simulation = Simulation::new(copies);
        for action in &actions {
            simulation.apply(action);
            simulation.assert_no_read_is_stale();
        }
        simulation.settle(&[0, 1, 2, 3, 4]);
        simulation.assert_no_read_is_stale();
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            prop_assert!(simulation.read(via, item, u8::MAX).is_some(), "{via} does not serve");
        }
    }

    #[test]
    fn any_majority_of_new_peers_begins(down in prop::collection::btree_set(0..PEERS, 0..=2)) {
        let mut simulation = Simulation::new(3);
        let up: Vec<usize> = (0..PEERS).filter(|peer| !down.contains(peer)).collect();
        simulation.settle(&up);
        for via in up {
            prop_assert!(simulation.quorum(via, 0).is_some(), "{via} has not begun");
        }
    }
}
