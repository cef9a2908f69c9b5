//! What a step looks at, and what every step begins with.

use super::{
    Evolution, Step, Wait, accept,
    backend::{self, SourcesOfTruth},
    dependencies, forward,
    graph::RouteGraph,
    target, verify,
};
use crate::{
    observe::RunningTopology,
    plan::{Behavior, Component, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{Collection, ComponentName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// What a step looks at.
pub(super) struct ChangeView<'a> {
    pub(super) wanted: &'a Topology,
    /// What is wanted, with what the way there needs besides.
    pub(super) target: Topology,
    pub(super) running: &'a RunningTopology,
    pub(super) graph: RouteGraph<'a>,
    pub(super) now: Timestamp,
    /// Whether everybody was told where to go, entry and end users too; whoever is not wanted any
    /// more only forwards. What is missing then is the proof that they do.
    pub(super) cutover_applied: bool,
    sources_of_truth: SourcesOfTruth,
    collections: BTreeSet<Collection>,
}

impl<'a> ChangeView<'a> {
    pub(super) fn new(wanted: &'a Topology, running: &'a RunningTopology, now: Timestamp) -> Self {
        let graph = RouteGraph::from_running(running);
        let collections =
            &graph.named_collections() | &RouteGraph::from_topology(wanted).named_collections();
        let exists = |home: &ComponentName| {
            graph.component(home).is_some() || wanted.component(home).is_some()
        };
        let authorities = SourcesOfTruth::from_running(&graph, &collections).restrict_to(exists);
        let goal = target::build_topology(wanted, &graph, &authorities, &collections);
        let moved = false;
        let mut view = Self {
            wanted,
            target: goal,
            running,
            graph,
            now,
            cutover_applied: moved,
            sources_of_truth: authorities,
            collections,
        };
        view.cutover_applied = view.is_cutover_applied();
        if view.cutover_applied {
            view.continue_final_passes();
        }
        view
    }

    fn is_cutover_applied(&self) -> bool {
        let forwards = |component| {
            forward::forwarder_for(component, self.wanted.entry())
                .is_none_or(|component| self.is_configured(&component))
        };
        self.entry_shifted()
            && self.target.components().all(|component| self.is_configured(component))
            && self.obsolete().all(forwards)
    }

    /// A last pass that has begun is not begun anew as long as nobody turns back.
    fn continue_final_passes(&mut self) {
        for component in self.target.components.values_mut() {
            let began =
                self.graph.component(&component.name).is_some_and(backend::is_in_final_pass);
            backend::set_final_pass(component, began);
        }
    }

    /// The component of this name as it runs.
    pub(super) fn current(&self, name: &ComponentName) -> Option<&'a Component> {
        self.graph.component(name)
    }

    /// Whether what runs asks the same components for the same as `component`.
    pub(super) fn is_configured(&self, component: &Component) -> bool {
        self.current(&component.name).is_some_and(|old| dependencies::are_same(old, component))
    }

    /// What `component` runs as while it is to accept more items than now; none if it accepts them.
    pub(super) fn expanded_owner(&self, component: &Component) -> Option<Component> {
        accept::expanded_owner(
            self.current(&component.name)?,
            component,
            &self.sources_of_truth,
            &self.collections,
        )
    }

    /// What `component` lacks until it works as it was told.
    pub(super) fn unmet(&self, component: &Component) -> Option<String> {
        let exists = |name: &ComponentName| self.exists(name);
        verify::unmet(component, self.running.component(&component.name), exists, self.now)
    }

    /// What `component` lacks until it can answer for what it owns. Whom else it asks is no matter: that
    /// may be left from a change that was given up.
    pub(super) fn unmet_as_owner(&self, component: &Component) -> Option<String> {
        let homes: BTreeSet<_> = backend::backend_components(component).collect();
        let counts = |name: &ComponentName| homes.contains(name) && self.exists(name);
        verify::unmet(component, self.running.component(&component.name), counts, self.now)
    }

    fn exists(&self, name: &ComponentName) -> bool {
        self.graph.component(name).is_some() || self.target.component(name).is_some()
    }

    /// Components of the goal but the end users.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Component> {
        self.target.components().filter(|component| component.role() != Role::Load)
    }

    /// The end users of the goal.
    pub(super) fn load(&self) -> Option<&Component> {
        self.target.components().find(|component| component.role() == Role::Load)
    }

    /// Components that run and are not wanted any more. Nobody misses end users who leave.
    pub(super) fn obsolete(&self) -> impl Iterator<Item = &'a Component> {
        let running = self.running.components().filter_map(|(_, found)| found.planned.as_ref());
        let wanted = self.wanted;
        running.filter(move |component| {
            component.role() != Role::Load && wanted.component(&component.name).is_none()
        })
    }

    /// Whether users' requests come in where they are to.
    pub(super) fn entry_shifted(&self) -> bool {
        self.running.entry() == Some(self.wanted.entry())
    }

    /// What runs, with the wanted settings of all components that are wired as in the goal, the new
    /// components, and whatever else is still there. End users wait until there is somebody to serve
    /// them.
    pub(super) fn base_topology(&self) -> Topology {
        let mut apply = self.with_obsolete(self.target.clone());
        for component in apply.components.values_mut() {
            if let Some(old) =
                self.current(&component.name).filter(|old| !dependencies::are_same(old, component))
            {
                component.behavior = old.behavior.clone();
                backend::set_final_pass(component, false);
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
        if !self.entry_shifted()
            && let Some(load) = self.load()
            && self.current(&load.name).is_none()
        {
            apply.components.remove(&load.name);
        }
        apply
    }

    /// `topology` beside the components that are not wanted any more.
    pub(super) fn with_obsolete(&self, mut topology: Topology) -> Topology {
        let leaving: BTreeMap<_, _> =
            self.obsolete().map(|component| (component.name.clone(), component.clone())).collect();
        topology.components.extend(leaving);
        topology
    }

    /// The evolution that applies `apply`, and waits.
    pub(super) fn waiting_evolution(
        &self,
        step: Step,
        apply: Topology,
        waits: Vec<Wait>,
    ) -> Evolution {
        let moved = self.servers().all(|component| self.is_configured(component));
        // Only the proof is missing that all have moved.
        let settles = step == Step::Cutover && self.cutover_applied;
        Evolution {
            apply,
            step: Some(if settles { Step::Finalize } else { step }),
            waits,
            blockers: vec![],
            serves_wanted: moved && self.entry_shifted(),
        }
    }
}
