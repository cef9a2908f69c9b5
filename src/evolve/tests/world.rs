//! A model of a cluster in which everything happens late, in any order, or not at all: the operator
//! dies between two writes, pods load, start, report and end when they like, users read and write
//! all the time. What must never happen is checked as it happens.

use super::{
    pods::{Pod, PodId, now, revision},
    requests::{Request, Written},
};
use crate::{
    evolve::{Evolution, dependencies, evolve},
    observe::{PodReport, RunningComponent, RunningTopology, Workload},
    plan::{Behavior, Component, Topology},
};
use maquette_contract::{Collection, ComponentName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that decide what happens; when there are no more, always the first choice.
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn new(numbers: Vec<u32>) -> Self {
        Self(numbers.into_iter())
    }

    pub(super) fn has_more(&self) -> bool {
        !self.0.as_slice().is_empty()
    }

    /// Which of `count` is wanted from now on: seldom another one than `at`.
    pub(super) fn change_of_mind(&mut self, at: usize, count: usize) -> usize {
        if self.below(12) == 11 { self.below(count) } else { at }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |n| n as usize % bound.max(1))
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }
}

/// A rule that the operator or the pods break on purpose, to see that it is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenRule {
    /// What is not wanted any more goes at once, before its callers have moved.
    ContractFirst,
    /// Items are copied once; what the old home gets after that is not.
    CopyOnce,
}

/// The cluster.
pub(super) struct World {
    pub(super) broken_rule: Option<BrokenRule>,
    /// What the operator has applied, component by component.
    pub(super) applied: BTreeMap<ComponentName, Component>,
    pub(super) entry: Option<ComponentName>,
    pub(super) pods: BTreeMap<PodId, Pod>,
    /// What each store or the peers hold: the newest write of the item of each collection.
    pub(super) data: BTreeMap<ComponentName, BTreeMap<Collection, Written>>,
    pub(super) requests: Vec<Request>,
    pub(super) acknowledged: BTreeMap<Collection, Written>,
    /// Components that users have had for the entry; they may still hold connections there.
    pub(super) entries: BTreeSet<ComponentName>,
    /// Collections that somebody owns in every topology of the case.
    pub(super) collections: Vec<Collection>,
    pub(super) created: usize,
    /// Components of which a pod has been ready.
    pub(super) started: BTreeSet<ComponentName>,
    /// Components whose pods cannot start, as their image is not there or no machine has room.
    pub(super) broken: BTreeSet<ComponentName>,
    /// What went on, for a person who reads a failure.
    pub(super) log: Vec<String>,
}

impl World {
    pub(super) fn new(collections: Vec<Collection>, broken_rule: Option<BrokenRule>) -> Self {
        Self {
            broken_rule,
            applied: BTreeMap::new(),
            entry: None,
            pods: BTreeMap::new(),
            data: BTreeMap::new(),
            requests: vec![],
            acknowledged: BTreeMap::new(),
            entries: BTreeSet::new(),
            collections,
            created: 0,
            started: BTreeSet::new(),
            broken: BTreeSet::new(),
            log: vec![],
        }
    }

    pub(super) fn log_event(&mut self, text: String) {
        self.log.push(text);
    }

    /// What the operator sees.
    pub(super) fn observe_running(&self) -> RunningTopology {
        let mut components: BTreeMap<ComponentName, RunningComponent> = BTreeMap::new();
        for component in self.applied.values() {
            let own = || {
                self.pods.values().filter(|pod| pod.component == component.name && !pod.terminating)
            };
            let count = |n: usize| u32::try_from(n).unwrap();
            let ready = count(own().filter(|pod| pod.ready).count());
            let workload = Workload {
                is_observed: true,
                desired: component.replicas,
                total: count(own().count()),
                updated: ready,
                available: ready,
                issue: None,
            };
            let found = components.entry(component.name.clone()).or_default();
            found.planned = Some(component.clone());
            found.revision = Some(revision(component));
            found.workload = Some(workload);
        }
        for (id, pod) in &self.pods {
            let found = components.entry(pod.component.clone()).or_default();
            match pod.terminating {
                false => found.pods.push(pod.as_running(*id, found.pods.len())),
                true => found.terminating += 1,
            }
        }
        RunningTopology::new(self.entry.clone(), components)
    }

    /// The operator works once; it may die after any of its writes.
    pub(super) fn reconcile(&mut self, wanted: &Topology, choices: &mut Choices) -> Evolution {
        let mut evolution = evolve(wanted, &self.observe_running(), now());
        if self.broken_rule == Some(BrokenRule::ContractFirst) {
            evolution.apply.components.retain(|name, _| wanted.component(name).is_some());
        }
        let apply = &evolution.apply;
        let lives = choices.below(4) != 3;
        let mut upserts: Vec<_> =
            apply.components.values().cloned().map(Some).chain([None]).collect();
        while !upserts.is_empty() {
            match upserts.swap_remove(choices.below(upserts.len())) {
                Some(component) => self.apply_component(component),
                None => self.shift_entry(apply.entry.clone()),
            }
            if !lives && choices.below(3) == 0 {
                self.log_event("the operator dies".to_owned());
                return evolution;
            }
        }
        let gone: Vec<_> =
            self.applied.keys().filter(|name| apply.component(name).is_none()).cloned().collect();
        for name in gone {
            self.remove_component(&name);
        }
        // Once all is wired as wanted, nobody keeps a connection to an entry of before: those to
        // components that go on were ended by their first answer after a change, and idle ones by time.
        let pure = |component: &Component| {
            apply
                .component(&component.name)
                .is_some_and(|now| dependencies::are_same(now, component))
        };
        if wanted.components().all(pure) {
            let entry = self.entry.clone();
            self.entries
                .retain(|name| Some(name) == entry.as_ref() || wanted.component(name).is_none());
        }
        evolution
    }

    pub(super) fn apply_component(&mut self, component: Component) {
        if self.applied.get(&component.name) == Some(&component) {
            return;
        }
        for edge in component.edges() {
            let to = &edge.to;
            let comes = *to == component.name || self.applied.contains_key(to);
            // What comes in the same round is there when a pod could ask for it.
            self.log_event(format!(
                "{} is told: -> {to}{}",
                component.name,
                if comes { "" } else { " (new)" }
            ));
        }
        if matches!(component.behavior, Behavior::Store(_) | Behavior::Peer(_)) {
            self.data.entry(component.name.clone()).or_default();
        }
        // What pods said before they were told something does not count.
        let told = self
            .applied
            .get(&component.name)
            .is_none_or(|old| revision(old) != revision(&component));
        for pod in self.pods.values_mut().filter(|pod| told && pod.component == component.name) {
            pod.report = PodReport::default();
        }
        self.applied.insert(component.name.clone(), component);
    }

    pub(super) fn shift_entry(&mut self, entry: ComponentName) {
        if self.entry.as_ref() != Some(&entry) {
            self.log_event(format!("the entry leads to {entry}"));
            self.entries.insert(entry.clone());
            self.entry = Some(entry);
        }
    }

    pub(super) fn remove_component(&mut self, name: &ComponentName) {
        self.log_event(format!("{name} is removed"));
        self.applied.remove(name);
        self.data.remove(name);
        self.entries.remove(name);
        self.started.remove(name);
        // One that is not ready answers nobody; the load plays users, who may hold on to anything.
        let asking = self.pods.values().find(|pod| {
            let asks = pod.runs.edges().iter().any(|edge| edge.to == *name);
            let answers = pod.ready && !pod.terminating && pod.runs.role() != Role::Load;
            asks && answers && pod.component != *name
        });
        let log = &self.log;
        assert!(asking.is_none(), "{} still asks {name}; {log:#?}", asking.unwrap().component);
    }
}
