//! What every step reads: the wanted, the target and the running topology, compared.

use super::{
    Step,
    evolution::Evolution,
    interim,
    routing::{self, RouteGraph, SourcesOfTruth},
    verify,
    wait::Wait,
};
use crate::{
    observe::RunningTopology,
    plan::{Behavior, Component, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{Collection, ComponentName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// A change at one moment.
pub(super) struct ChangeView<'a> {
    pub(super) wanted: &'a Topology,
    /// `wanted`, with migration sources and with the routes that only the change needs.
    pub(super) target: Topology,
    pub(super) running: &'a RunningTopology,
    pub(super) graph: RouteGraph<'a>,
    pub(super) now: Timestamp,
    /// Whether all components have their target configuration, the entry has moved and all obsolete
    /// components forward. The proof that they do may still be missing.
    pub(super) cutover_applied: bool,
    sources_of_truth: SourcesOfTruth,
    collections: BTreeSet<Collection>,
}

impl<'a> ChangeView<'a> {
    pub(super) fn new(wanted: &'a Topology, running: &'a RunningTopology, now: Timestamp) -> Self {
        let graph = RouteGraph::from_running(running);
        let collections =
            &graph.named_collections() | &RouteGraph::from_topology(wanted).named_collections();
        let sources_of_truth =
            SourcesOfTruth::from_running(&graph, &collections).restrict_to(|name| {
                graph.component(name).is_some() || wanted.component(name).is_some()
            });
        let target = interim::target_topology(wanted, &graph, &sources_of_truth, &collections);
        let mut view = Self {
            wanted,
            target,
            running,
            graph,
            now,
            cutover_applied: false,
            sources_of_truth,
            collections,
        };
        view.cutover_applied = view.is_cutover_applied();
        if view.cutover_applied {
            view.continue_final_passes();
        }
        view
    }

    fn is_cutover_applied(&self) -> bool {
        self.entry_shifted()
            && self.target.components().all(|component| self.is_configured(component))
            && self.obsolete().all(|component| {
                let forwarder = interim::forwarder_for(component, self.wanted.entry());
                forwarder.is_none_or(|forwarder| self.is_configured(&forwarder))
            })
    }

    /// A final pass that has started is not restarted unless the change is reversed.
    fn continue_final_passes(&mut self) {
        for component in self.target.components.values_mut() {
            let current = self.graph.component(&component.name);
            let has_started = current.is_some_and(routing::is_in_final_pass);
            routing::set_final_pass(component, has_started);
        }
    }

    /// The running component of this name.
    pub(super) fn current(&self, name: &ComponentName) -> Option<&'a Component> {
        self.graph.component(name)
    }

    /// Whether the running component of this name has the same dependencies as `component`.
    pub(super) fn is_configured(&self, component: &Component) -> bool {
        self.current(&component.name)
            .is_some_and(|current| routing::have_same_dependencies(current, component))
    }

    /// What `component` runs as while it accepts more collections than now; none if it already
    /// accepts them all.
    pub(super) fn expanded_owner(&self, component: &Component) -> Option<Component> {
        interim::expanded_owner(
            self.current(&component.name)?,
            component,
            &self.sources_of_truth,
            &self.collections,
        )
    }

    /// The first requirement that `component` does not meet; none if it is verified.
    pub(super) fn unmet(&self, component: &Component) -> Option<String> {
        self.unmet_on_edges(component, |name| self.exists(name))
    }

    /// The same, but only the edges to its backends count. Its other edges may be left from a
    /// change that was abandoned.
    pub(super) fn unmet_as_owner(&self, component: &Component) -> Option<String> {
        let backends: BTreeSet<_> = routing::backend_components(component).collect();
        self.unmet_on_edges(component, |name| backends.contains(name) && self.exists(name))
    }

    fn unmet_on_edges(
        &self,
        component: &Component,
        counts: impl Fn(&ComponentName) -> bool,
    ) -> Option<String> {
        verify::unmet(component, self.running.component(&component.name), counts, self.now)
    }

    /// False for a component of an abandoned change that was never created: an edge to it never
    /// works.
    fn exists(&self, name: &ComponentName) -> bool {
        self.graph.component(name).is_some() || self.target.component(name).is_some()
    }

    /// The components of the target, without the load.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Component> {
        self.target.components().filter(|component| component.role() != Role::Load)
    }

    /// The load of the target.
    pub(super) fn load(&self) -> Option<&Component> {
        self.target.components().find(|component| component.role() == Role::Load)
    }

    /// Running components that are not wanted any more. Without the load, which no component calls.
    pub(super) fn obsolete(&self) -> impl Iterator<Item = &'a Component> {
        let wanted = self.wanted;
        self.running.planned_components().filter(move |component| {
            component.role() != Role::Load && wanted.component(&component.name).is_none()
        })
    }

    /// Whether the entry Service selects the wanted entry.
    pub(super) fn entry_shifted(&self) -> bool {
        self.running.entry() == Some(self.wanted.entry())
    }

    /// What every step starts from: the running topology, with new components, and with the wanted
    /// settings of all components whose dependencies do not change.
    pub(super) fn base_topology(&self) -> Topology {
        let mut apply = self.with_obsolete(self.target.clone());
        for component in apply.components.values_mut() {
            if let Some(current) = self.current(&component.name)
                && !routing::have_same_dependencies(current, component)
            {
                component.behavior = current.behavior.clone();
                routing::set_final_pass(component, false);
                // A peer that is not among its configured members never becomes ready.
                if let Behavior::Peer(peer) = &component.behavior {
                    component.replicas = peer.members;
                }
            }
        }
        let entry = self.running.entry().filter(|entry| apply.component(entry).is_some());
        if let Some(entry) = entry {
            apply.entry = entry.clone();
        }
        // A new load starts when the entry can serve it.
        if !self.entry_shifted()
            && let Some(load) = self.load()
            && self.current(&load.name).is_none()
        {
            apply.components.remove(&load.name);
        }
        apply
    }

    /// `topology`, with the obsolete components as they run.
    pub(super) fn with_obsolete(&self, mut topology: Topology) -> Topology {
        let obsolete: BTreeMap<_, _> =
            self.obsolete().map(|component| (component.name.clone(), component.clone())).collect();
        topology.components.extend(obsolete);
        topology
    }

    /// The evolution that applies `apply` in `step` and then waits.
    pub(super) fn waiting_evolution(
        &self,
        step: Step,
        apply: Topology,
        waits: Vec<Wait>,
    ) -> Evolution {
        let servers_configured = self.servers().all(|component| self.is_configured(component));
        // Once everything is configured, the proof of it is what Finalize waits for.
        let is_finalize = step == Step::Cutover && self.cutover_applied;
        Evolution {
            apply,
            step: Some(if is_finalize { Step::Finalize } else { step }),
            waits,
            blockers: vec![],
            serves_wanted: servers_configured && self.entry_shifted(),
        }
    }
}
