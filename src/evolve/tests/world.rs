//! A model of a cluster in which every event can be late, out of order or missing: the operator
//! stops between two writes, pods start, load, report and terminate at any time, clients read and
//! write all the time. The invariants are checked at every event.

use super::{
    pods::{Pod, PodId, now, revision},
    requests::{Request, Written},
};
use crate::{
    evolve::{Evolution, evolve, routing},
    observe::{PodReport, RunningComponent, RunningTopology, TerminatingPod, Workload},
    plan::{Behavior, Component, Topology},
};
use maquette_contract::{Collection, ComponentName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that decide what happens. After the last one, always the first choice.
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn new(numbers: Vec<u32>) -> Self {
        Self(numbers.into_iter())
    }

    pub(super) fn has_more(&self) -> bool {
        !self.0.as_slice().is_empty()
    }

    /// The index of the topology that is wanted from now on; rarely another one than `at`.
    pub(super) fn next_wanted(&mut self, at: usize, count: usize) -> usize {
        if self.below(12) == 11 { self.below(count) } else { at }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |n| n as usize % bound.max(1))
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }
}

/// A rule that the operator or the pods break on purpose, to check that the tests detect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenRule {
    /// Components that are not wanted are removed at once, before their callers are reconfigured.
    ContractFirst,
    /// Items are copied once; later writes to the migration source are not.
    CopyOnce,
}

pub(super) struct World {
    pub(super) broken_rule: Option<BrokenRule>,
    /// The components that the operator has applied.
    pub(super) applied: BTreeMap<ComponentName, Component>,
    pub(super) entry: Option<ComponentName>,
    pub(super) pods: BTreeMap<PodId, Pod>,
    /// The items of each backend: one per collection, with its newest write.
    pub(super) data: BTreeMap<ComponentName, BTreeMap<Collection, Written>>,
    pub(super) requests: Vec<Request>,
    pub(super) acknowledged: BTreeMap<Collection, Written>,
    /// Current and former entries; clients may still have connections to them.
    pub(super) entries: BTreeSet<ComponentName>,
    /// Collections that have an owner in every topology of the case.
    pub(super) collections: Vec<Collection>,
    pub(super) created: usize,
    /// Components of which a pod has been ready.
    pub(super) started: BTreeSet<ComponentName>,
    /// Components whose pods cannot start.
    pub(super) broken: BTreeSet<ComponentName>,
    /// The events, to read when a case fails.
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

    /// The cluster as the operator reads it.
    pub(super) fn observe_running(&self) -> RunningTopology {
        let mut components: BTreeMap<ComponentName, RunningComponent> = BTreeMap::new();
        for component in self.applied.values() {
            let own = self.pods.values().filter(|pod| pod.component == component.name);
            let present: Vec<_> = own.filter(|pod| !pod.terminating).collect();
            let ready = u32::try_from(present.iter().filter(|pod| pod.ready).count()).unwrap();
            let workload = Workload {
                is_observed: true,
                desired: component.replicas,
                total: u32::try_from(present.len()).unwrap(),
                updated: ready,
                available: ready,
                is_rolling: false,
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
                true => {
                    let deadline = now();
                    found.terminating.push(TerminatingPod { deadline, ..TerminatingPod::default() })
                }
            }
        }
        RunningTopology::new(self.entry.clone(), components)
    }

    /// The operator reconciles once; it may stop after any of its writes.
    pub(super) fn reconcile(&mut self, wanted: &Topology, choices: &mut Choices) -> Evolution {
        let mut evolution = evolve(wanted, &self.observe_running(), now());
        if self.broken_rule == Some(BrokenRule::ContractFirst) {
            evolution.apply.components.retain(|name, _| wanted.component(name).is_some());
        }
        let apply = &evolution.apply;
        let completes = choices.below(4) != 3;
        let mut upserts: Vec<_> =
            apply.components.values().cloned().map(Some).chain([None]).collect();
        while !upserts.is_empty() {
            match upserts.swap_remove(choices.below(upserts.len())) {
                Some(component) => self.apply_component(component),
                None => self.shift_entry(apply.entry.clone()),
            }
            if !completes && choices.below(3) == 0 {
                self.log_event("the operator stops".to_owned());
                return evolution;
            }
        }
        let removed: Vec<_> =
            self.applied.keys().filter(|name| apply.component(name).is_none()).cloned().collect();
        for name in removed {
            self.remove_component(&name);
        }
        // Once all dependencies are the wanted ones, no client has a connection to a former entry
        // that remains: its first response after a reconfiguration closes the connection, and a
        // timeout closes idle ones.
        let is_complete = wanted.components().all(|component| {
            let applied = apply.component(&component.name);
            applied.is_some_and(|one| routing::have_same_dependencies(one, component))
        });
        if is_complete {
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
            let exists = *to == component.name || self.applied.contains_key(to);
            // A component of the same round exists before a pod can call it.
            let note = if exists { "" } else { " (new)" };
            self.log_event(format!("{} is configured: -> {to}{note}", component.name));
        }
        if matches!(component.behavior, Behavior::Store(_) | Behavior::Peer(_)) {
            self.data.entry(component.name.clone()).or_default();
        }
        // Reports from before a reconfiguration do not count.
        let current = self.applied.get(&component.name);
        let is_new = current.is_none_or(|current| revision(current) != revision(&component));
        for pod in self.pods.values_mut().filter(|pod| is_new && pod.component == component.name) {
            pod.report = PodReport::default();
        }
        self.applied.insert(component.name.clone(), component);
    }

    pub(super) fn shift_entry(&mut self, entry: ComponentName) {
        if self.entry.as_ref() != Some(&entry) {
            self.log_event(format!("the entry is {entry}"));
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
        // A pod that is not ready sends no requests. The load stands for clients, which may still have
        // connections.
        let caller = self.pods.values().find(|pod| {
            let calls = pod.loaded.edges().iter().any(|edge| edge.to == *name);
            let serves = pod.ready && !pod.terminating && pod.loaded.role() != Role::Load;
            calls && serves && pod.component != *name
        });
        let log = &self.log;
        assert!(caller.is_none(), "{} still calls {name}; {log:#?}", caller.unwrap().component);
    }
}
