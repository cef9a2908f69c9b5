//! What a step looks at, and what every step begins with.

use super::{
    Evolution, Step, Wait, accept, forward, goal,
    graph::Graph,
    home::{self, SourcesOfTruth},
    proof, wiring,
};
use crate::{
    observe::Running,
    plan::{Behavior, Component, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{Collection, ComponentName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// What a step looks at.
pub(super) struct View<'a> {
    pub(super) wanted: &'a Topology,
    /// What is wanted, with what the way there needs besides.
    pub(super) goal: Topology,
    pub(super) running: &'a Running,
    pub(super) graph: Graph<'a>,
    pub(super) now: Timestamp,
    /// Whether everybody was told where to go, entry and end users too; whoever is not wanted any
    /// more only forwards. What is missing then is the proof that they do.
    pub(super) moved: bool,
    authorities: SourcesOfTruth,
    collections: BTreeSet<Collection>,
}

impl<'a> View<'a> {
    pub(super) fn new(wanted: &'a Topology, running: &'a Running, now: Timestamp) -> Self {
        let graph = Graph::of_running(running);
        let collections = &graph.collections() | &Graph::of_topology(wanted).collections();
        let exists = |home: &ComponentName| {
            graph.component(home).is_some() || wanted.component(home).is_some()
        };
        let authorities = SourcesOfTruth::of(&graph, &collections).only(exists);
        let goal = goal::of(wanted, &graph, &authorities, &collections);
        let moved = false;
        let mut view = Self { wanted, goal, running, graph, now, moved, authorities, collections };
        view.moved = view.has_moved();
        if view.moved {
            view.go_on_with_last_passes();
        }
        view
    }

    fn has_moved(&self) -> bool {
        let forwards = |component| {
            forward::forwarder(component, self.wanted.entry())
                .is_none_or(|component| self.told(&component))
        };
        self.entered()
            && self.goal.components().all(|component| self.told(component))
            && self.leaving().all(forwards)
    }

    /// A last pass that has begun is not begun anew as long as nobody turns back.
    fn go_on_with_last_passes(&mut self) {
        for component in self.goal.components.values_mut() {
            let began = self.graph.component(&component.name).is_some_and(home::last_began);
            home::set_last(component, began);
        }
    }

    /// The component of this name as it runs.
    pub(super) fn old(&self, name: &ComponentName) -> Option<&'a Component> {
        self.graph.component(name)
    }

    /// Whether what runs asks the same components for the same as `component`.
    pub(super) fn told(&self, component: &Component) -> bool {
        self.old(&component.name).is_some_and(|old| wiring::same(old, component))
    }

    /// What `component` runs as while it is to accept more items than now; none if it accepts them.
    pub(super) fn accepting(&self, component: &Component) -> Option<Component> {
        accept::accepting(
            self.old(&component.name)?,
            component,
            &self.authorities,
            &self.collections,
        )
    }

    /// What `component` lacks until it works as it was told.
    pub(super) fn lacks(&self, component: &Component) -> Option<String> {
        let exists = |name: &ComponentName| self.exists(name);
        proof::lacks(component, self.running.component(&component.name), exists, self.now)
    }

    /// What `component` lacks until it can answer for what it owns. Whom else it asks is no matter: that
    /// may be left from a change that was given up.
    pub(super) fn lacks_as_owner(&self, component: &Component) -> Option<String> {
        let homes: BTreeSet<_> = home::homes(component).collect();
        let counts = |name: &ComponentName| homes.contains(name) && self.exists(name);
        proof::lacks(component, self.running.component(&component.name), counts, self.now)
    }

    fn exists(&self, name: &ComponentName) -> bool {
        self.graph.component(name).is_some() || self.goal.component(name).is_some()
    }

    /// Components of the goal but the end users.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Component> {
        self.goal.components().filter(|component| component.role() != Role::Load)
    }

    /// The end users of the goal.
    pub(super) fn load(&self) -> Option<&Component> {
        self.goal.components().find(|component| component.role() == Role::Load)
    }

    /// Components that run and are not wanted any more. Nobody misses end users who leave.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &'a Component> {
        let running = self.running.components().filter_map(|(_, found)| found.planned.as_ref());
        let wanted = self.wanted;
        running.filter(move |component| {
            component.role() != Role::Load && wanted.component(&component.name).is_none()
        })
    }

    /// Whether users' requests come in where they are to.
    pub(super) fn entered(&self) -> bool {
        self.running.entry() == Some(self.wanted.entry())
    }

    /// What runs, with the wanted settings of all components that are wired as in the goal, the new
    /// components, and whatever else is still there. End users wait until there is somebody to serve
    /// them.
    pub(super) fn base(&self) -> Topology {
        let mut apply = self.with_leaving(self.goal.clone());
        for component in apply.components.values_mut() {
            if let Some(old) = self.old(&component.name).filter(|old| !wiring::same(old, component))
            {
                component.behavior = old.behavior.clone();
                home::set_last(component, false);
                // A peer that is no member of those it is told of would never be ready.
                if let Behavior::Peer(told) = &component.behavior {
                    component.replicas = told.members;
                }
            }
        }
        let entry = self.running.entry().filter(|entry| apply.component(entry).is_some());
        if let Some(entry) = entry {
            apply.entry = entry.clone();
        }
        if !self.entered()
            && let Some(load) = self.load()
            && self.old(&load.name).is_none()
        {
            apply.components.remove(&load.name);
        }
        apply
    }

    /// `topology` beside the components that are not wanted any more.
    pub(super) fn with_leaving(&self, mut topology: Topology) -> Topology {
        let leaving: BTreeMap<_, _> =
            self.leaving().map(|component| (component.name.clone(), component.clone())).collect();
        topology.components.extend(leaving);
        topology
    }

    /// The evolution that applies `apply`, and waits.
    pub(super) fn evolution(&self, step: Step, apply: Topology, waits: Vec<Wait>) -> Evolution {
        let moved = self.servers().all(|component| self.told(component));
        // Only the proof is missing that all have moved.
        let settles = step == Step::Cutover && self.moved;
        Evolution {
            apply,
            step: Some(if settles { Step::Finalize } else { step }),
            waits,
            cannot: vec![],
            serves_wanted: moved && self.entered(),
        }
    }
}
