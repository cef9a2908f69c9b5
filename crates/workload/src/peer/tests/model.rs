//! The steps of membership, the checks and the quorums, played through in every disorder: reports
//! that come late, configurations that come at different times, peers that go down and come back,
//! one volume that is lost. No read may miss an acknowledged write, or take back what one told.
//!
//! Here nothing is real but the rules: time, network and disks are played.

use crate::peer::{
    layout::Layout,
    phase::{Phase, State},
    quorum::Quorum,
    report::{Report, Reports, Seen},
    situation::Situation,
    standing::{Heard, Standing},
};
use maquette_contract::ItemKey;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PEERS: usize = 5;
const ITEMS: usize = 2;

fn name(peer: usize) -> String {
    format!("p-{peer}")
}

fn key(item: usize) -> ItemKey {
    ItemKey::parse(&format!("orders/{item}")).unwrap()
}

fn layout(number: usize) -> Layout {
    let (members, replicas): (&[usize], u32) = match number {
        0 => (&[0, 1, 2], 3),
        1 => (&[0, 1, 2, 3, 4], 3),
        2 => (&[0, 1, 2, 3], 3),
        _ => (&[0, 1, 2, 3, 4], 5),
    };
    Layout::new(members.iter().map(|peer| name(*peer)), replicas).unwrap()
}

#[derive(Clone, Debug)]
enum Action {
    Configure {
        peer: usize,
        layout: usize,
    },
    ConfigureAll {
        layout: usize,
    },
    Hear {
        peer: usize,
        of: usize,
    },
    /// Hears all, takes a step and begins a check.
    Step {
        peer: usize,
    },
    EndCheck {
        peer: usize,
    },
    BeginWrite {
        via: usize,
        item: usize,
        mask: u8,
    },
    EndWrite {
        via: usize,
    },
    Read {
        via: usize,
        item: usize,
        mask: u8,
    },
    Stop {
        peer: usize,
    },
    /// Starts one of those that are down.
    Start {
        which: usize,
    },
    Lose {
        peer: usize,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let (peer, items, mask) = (0..PEERS, 0..ITEMS, any::<u8>());
    let hears = (0..PEERS, 0..PEERS).prop_map(|(peer, of)| Action::Hear { peer, of });
    let begins = (peer.clone(), items.clone(), mask)
        .prop_map(|(via, item, mask)| Action::BeginWrite { via, item, mask });
    let reads =
        (peer.clone(), items, mask).prop_map(|(via, item, mask)| Action::Read { via, item, mask });
    let configures =
        (peer.clone(), 0..4_usize).prop_map(|(peer, layout)| Action::Configure { peer, layout });
    prop_oneof![
        1 => configures,
        2 => (0..4_usize).prop_map(|layout| Action::ConfigureAll { layout }),
        10 => hears,
        160 => peer.clone().prop_map(|peer| Action::Step { peer }),
        120 => peer.clone().prop_map(|peer| Action::EndCheck { peer }),
        40 => begins,
        40 => peer.clone().prop_map(|via| Action::EndWrite { via }),
        40 => reads,
        2 => peer.clone().prop_map(|peer| Action::Stop { peer }),
        8 => (0..PEERS).prop_map(|which| Action::Start { which }),
        1 => peer.prop_map(|peer| Action::Lose { peer }),
    ]
}

/// A write under way.
#[derive(Clone, Debug)]
struct Pending {
    item: usize,
    version: u64,
    holders: BTreeSet<String>,
}

/// A peer that is played.
struct Played {
    state: State,
    up: bool,
    disk: BTreeMap<usize, u64>,
    saved: Option<Standing>,
    reports: Reports,
    checked: BTreeMap<String, u64>,
    check: Option<(Situation, BTreeMap<usize, u64>)>,
    writes: Vec<Pending>,
}

struct World {
    peers: Vec<Played>,
    configured: usize,
    clock: u64,
    /// The newest version of each item that somebody was told, by a write or a read.
    told: BTreeMap<usize, u64>,
    lost: bool,
    reads: usize,
}

impl World {
    fn new() -> Self {
        let peer = |peer| {
            let wanted = layout(0);
            let saved = wanted.has(&name(peer)).then(|| Standing::settled(wanted.clone()));
            Played {
                state: State::start(&name(peer), 1, wanted, saved.clone()),
                up: true,
                disk: BTreeMap::new(),
                saved,
                reports: Reports::default(),
                checked: BTreeMap::new(),
                check: None,
                writes: Vec::new(),
            }
        };
        Self {
            peers: (0..PEERS).map(peer).collect(),
            configured: 0,
            clock: 10,
            told: BTreeMap::new(),
            lost: false,
            reads: 0,
        }
    }

    fn report(&self, peer: usize) -> Report {
        let Played { state, checked, .. } = &self.peers[peer];
        Report {
            stamp: state.stamp,
            target: state.target().id(),
            step: state.step(),
            checked: checked.clone(),
            stopping: false,
        }
    }

    /// One peer hears the newest report of another; of one that is down, only that it is.
    fn hear(&mut self, peer: usize, of: usize) {
        let live = self.peers[of].up;
        let before = self.peers[peer].reports.0.get(&name(of)).and_then(|seen| seen.report.clone());
        let report = if live { Some(self.report(of)) } else { before };
        let seen = Seen { report, live, address: ([127, 0, 0, 1], 1).into() };
        self.peers[peer].reports.0.insert(name(of), seen);
    }

    fn save(&mut self, peer: usize) {
        let peer = &mut self.peers[peer];
        peer.saved = match &peer.state.phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Blank | Phase::Away => None,
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
    fn answering(&self, quorum: &Quorum, mask: u8) -> Vec<usize> {
        let owners = quorum.owners();
        let answers = |peer: &usize| {
            owners.contains(&name(*peer)) && self.peers[*peer].up && mask & (1 << peer) != 0
        };
        (0..PEERS).filter(answers).collect()
    }

    /// What a reader finds, if that is enough, and who has it.
    fn newest(&self, via: usize, item: usize, mask: u8) -> Option<(u64, BTreeSet<String>)> {
        let quorum = self.quorum(via, item)?;
        let answering = self.answering(&quorum, mask);
        let votes = answering.iter().filter(|peer| self.peers[**peer].state.votes());
        let found = |peer: &usize| self.peers[*peer].disk.get(&item).copied().unwrap_or(0);
        if !quorum.answered(&votes.map(|peer| name(*peer)).collect()) {
            return None;
        }
        let newest = answering.iter().map(found).max()?;
        let holders = answering.iter().filter(|peer| found(peer) == newest);
        Some((newest, holders.map(|peer| name(*peer)).collect()))
    }

    /// Gives a version to those who answer; all who have it then.
    fn keep(&mut self, via: usize, item: usize, version: u64, mask: u8) -> BTreeSet<String> {
        let Some(quorum) = self.quorum(via, item) else { return BTreeSet::new() };
        let answering = self.answering(&quorum, mask);
        for peer in &answering {
            let held = self.peers[*peer].disk.entry(item).or_default();
            *held = version.max(*held);
        }
        answering.into_iter().map(name).collect()
    }

    fn tell(&mut self, item: usize, version: u64) {
        let told = self.told.entry(item).or_default();
        *told = version.max(*told);
    }

    fn read(&mut self, via: usize, item: usize, mask: u8) {
        let Some((version, mut holders)) = self.newest(via, item, mask) else { return };
        let told = self.told.get(&item).copied().unwrap_or(0);
        assert!(version >= told, "item {item} via {via}: found {version} after {told}");
        self.reads += 1;
        if version > 0 {
            holders.extend(self.keep(via, item, version, mask));
            if self.quorum(via, item).is_some_and(|quorum| quorum.kept(&holders)) {
                self.tell(item, version);
            }
        }
    }

    fn begin_write(&mut self, via: usize, item: usize, mask: u8) {
        if self.newest(via, item, mask.rotate_left(1)).is_some() {
            self.clock += 1;
            let version = self.clock;
            let holders = self.keep(via, item, version, mask);
            self.peers[via].writes.push(Pending { item, version, holders });
        }
    }

    fn end_write(&mut self, via: usize) {
        if let Some(Pending { item, version, holders }) = self.peers[via].writes.pop()
            && self.quorum(via, item).is_some_and(|quorum| quorum.kept(&holders))
        {
            self.tell(item, version);
        }
    }

    /// All that a check will look at is looked at when it begins, as if it were slow from then on.
    fn begin_check(&mut self, peer: usize) {
        let played = &mut self.peers[peer];
        let absent = BTreeSet::new();
        let situation = Situation::new(&name(peer), &played.state, &played.reports, &absent);
        played.check = situation.map(|situation| (situation, played.disk.clone()));
    }

    fn end_check(&mut self, peer: usize) {
        let Some((situation, items)) = self.peers[peer].check.take() else { return };
        let mut failed = BTreeSet::new();
        for (item, version) in items {
            let duty = situation.duty(&key(item));
            for other in &duty.others {
                let to: usize = other.trim_start_matches("p-").parse().unwrap();
                if self.peers[to].up {
                    let held = self.peers[to].disk.entry(item).or_default();
                    *held = version.max(*held);
                } else {
                    failed.insert(other.clone());
                }
            }
            let whole = !duty.lacking && duty.others.iter().all(|other| !failed.contains(other));
            if duty.surplus && whole && self.peers[peer].disk.get(&item) == Some(&version) {
                self.peers[peer].disk.remove(&item);
            }
        }
        self.peers[peer].checked = situation.checked(&failed);
    }

    fn follow(&mut self, peer: usize) {
        let played = &mut self.peers[peer];
        let reports = played.reports.clone();
        played.state.follow(&name(peer), &reports);
        self.save(peer);
    }

    fn join(&mut self, peer: usize) {
        let me = name(peer);
        let played = &self.peers[peer];
        if played.state.phase != Phase::Blank
            || !played.state.is_checked_by_all(&me, &played.reports)
        {
            return;
        }
        let others =
            (0..PEERS).filter(|other| *other != peer && played.state.wanted.has(&name(*other)));
        let mut heard = BTreeMap::<String, Heard>::new();
        for other in others {
            let Played { up, saved, .. } = &self.peers[other];
            if !up {
                return;
            }
            heard.insert(name(other), saved.clone());
        }
        self.peers[peer].state.join(&heard);
        self.save(peer);
    }

    fn start(&mut self, peer: usize, stamp: u64) {
        // A pod that starts gets the newest configuration.
        let (saved, wanted) = (self.peers[peer].saved.clone(), layout(self.configured));
        let played = &mut self.peers[peer];
        played.state = State::start(&name(peer), stamp, wanted, saved);
        played.up = true;
        played.reports = Reports::default();
        played.checked = BTreeMap::new();
        played.check = None;
        played.writes = Vec::new();
    }

    /// Everybody is up, hears everybody and does what is to be done, until nothing changes.
    fn calm(&mut self) {
        for peer in 0..PEERS {
            self.peers[peer].state.configure(layout(self.configured));
            if !self.peers[peer].up {
                self.clock += 1;
                self.start(peer, self.clock);
            }
        }
        for _ in 0..12 {
            for peer in 0..PEERS {
                self.step(peer);
                self.end_check(peer);
            }
        }
        let target = layout(self.configured);
        for peer in (0..PEERS).filter(|peer| target.has(&name(*peer))) {
            let phase = &self.peers[peer].state.phase;
            let there = Phase::Active(Standing::settled(target.clone()));
            assert_eq!(phase, &there, "{peer} did not get there");
            for item in 0..ITEMS {
                self.read(peer, item, u8::MAX);
            }
        }
    }

    /// Whoever reads whatever now, and whoever answers: what was told is found. If some answers
    /// that are enough could miss it, then those of all who do not have it would be enough.
    fn check_truth(&self) {
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            let Some(quorum) = self.quorum(via, item) else { continue };
            let told = self.told.get(&item).copied().unwrap_or(0);
            let lacks = |peer: &&Played| peer.disk.get(&item).copied().unwrap_or(0) < told;
            let voters = self.peers.iter().enumerate();
            let voters = voters.filter(|(_, peer)| peer.up && peer.state.votes() && lacks(peer));
            let voters: BTreeSet<String> = voters.map(|(peer, _)| name(peer)).collect();
            assert!(
                !quorum.answered(&voters),
                "item {item}: via {via}, {voters:?} would hide {told}"
            );
        }
    }

    fn step(&mut self, peer: usize) {
        (0..PEERS).for_each(|of| self.hear(peer, of));
        self.follow(peer);
        self.join(peer);
        if self.peers[peer].check.is_none() {
            self.begin_check(peer);
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Configure { peer, .. } if !self.peers[peer].up => {}
            Action::Configure { peer, layout: number } => {
                self.configured = number;
                self.peers[peer].state.configure(layout(number));
            }
            Action::ConfigureAll { layout: number } => {
                self.configured = number;
                for peer in self.peers.iter_mut().filter(|peer| peer.up) {
                    peer.state.configure(layout(number));
                }
            }
            Action::Start { which } => {
                let down: Vec<usize> = (0..PEERS).filter(|peer| !self.peers[*peer].up).collect();
                if let Some(peer) = down.get(which % down.len().max(1)) {
                    self.clock += 1;
                    self.start(*peer, self.clock);
                }
            }
            Action::Stop { peer } => self.peers[peer].up = false,
            Action::Lose { peer } if !self.lost && self.peers[peer].state.votes() => {
                self.lost = true;
                self.peers[peer].up = false;
                self.peers[peer].disk.clear();
                self.peers[peer].saved = None;
            }
            Action::Lose { .. } => {}
            _ => self.act_on_one(action),
        }
    }

    /// What only a peer that is up does.
    fn act_on_one(&mut self, action: &Action) {
        let (Action::Hear { peer, .. }
        | Action::Step { peer }
        | Action::EndCheck { peer }
        | Action::BeginWrite { via: peer, .. }
        | Action::EndWrite { via: peer }
        | Action::Read { via: peer, .. }) = *action
        else {
            return;
        };
        if !self.peers[peer].up {
            return;
        }
        match *action {
            Action::Hear { of, .. } => self.hear(peer, of),
            Action::Step { .. } => self.step(peer),
            Action::EndCheck { .. } => self.end_check(peer),
            Action::BeginWrite { item, mask, .. } => self.begin_write(peer, item, mask),
            Action::EndWrite { .. } => self.end_write(peer),
            Action::Read { item, mask, .. } => self.read(peer, item, mask),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn no_disorder_makes_a_read_miss_what_was_told(
        actions in prop::collection::vec(action(), 100..900),
    ) {
        let mut world = World::new();
        world.calm();
        for action in &actions {
            world.act(action);
            world.check_truth();
        }
        world.calm();
        prop_assert!(world.reads > 0);
    }
}
