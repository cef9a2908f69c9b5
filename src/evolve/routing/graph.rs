//! The components of a topology and the routes between them.

use super::{backend::migration_sources, selector::CollectionSelector};
use crate::{
    observe::RunningTopology,
    plan::{Behavior, Component, Topology},
};
use maquette_contract::{Collection, CollectionSet, ComponentName, Hop};
use std::collections::{BTreeMap, BTreeSet};

/// Where the route of a request ends.
pub(super) enum RouteEnd<'a> {
    /// At the component that owns the items.
    Owner(&'a Component),
    /// At a component that has no next hop for the items.
    NoOwner,
    /// At a hop to a component that does not exist.
    Missing,
}

/// The components of a wanted or running topology, by name, and the entry.
pub(in crate::evolve) struct RouteGraph<'a> {
    entry: Option<&'a ComponentName>,
    components: BTreeMap<&'a ComponentName, &'a Component>,
}

impl<'a> RouteGraph<'a> {
    pub(in crate::evolve) fn from_topology(topology: &'a Topology) -> Self {
        Self::new(Some(topology.entry()), topology.components())
    }

    /// Components whose configuration is unknown are left out.
    pub(in crate::evolve) fn from_running(running: &'a RunningTopology) -> Self {
        Self::new(running.entry(), running.planned_components())
    }

    fn new(
        entry: Option<&'a ComponentName>,
        components: impl Iterator<Item = &'a Component>,
    ) -> Self {
        Self { entry, components: components.map(|one| (&one.name, one)).collect() }
    }

    pub(in crate::evolve) fn component(&self, name: &ComponentName) -> Option<&'a Component> {
        self.components.get(name).copied()
    }

    pub(in crate::evolve) fn components(&self) -> impl Iterator<Item = &'a Component> {
        self.components.values().copied()
    }

    /// The component at which a request for these items that is sent to the entry ends.
    pub(in crate::evolve) fn owner_of(
        &self,
        selector: &CollectionSelector,
    ) -> Option<&'a Component> {
        match self.route_end(selector) {
            RouteEnd::Owner(owner) => Some(owner),
            RouteEnd::NoOwner | RouteEnd::Missing => None,
        }
    }

    /// Where the route of these items from the entry ends.
    pub(super) fn route_end(&self, selector: &CollectionSelector) -> RouteEnd<'a> {
        let Some(mut component) = self.entry.and_then(|entry| self.component(entry)) else {
            return RouteEnd::Missing;
        };
        // A route without a loop has at most as many hops as there are components.
        for _ in 0..=self.components.len() {
            let hop = match &component.behavior {
                Behavior::Service(service) => match selector.hop(&service.routes) {
                    Some(Hop::Own) => return RouteEnd::Owner(component),
                    Some(Hop::Call(callee)) => callee,
                    None => return RouteEnd::NoOwner,
                },
                Behavior::Peer(peer) => match &peer.successor {
                    None => return RouteEnd::Owner(component),
                    Some(successor) => successor,
                },
                Behavior::Store(_) | Behavior::Load(_) => return RouteEnd::NoOwner,
            };
            let Some(next) = self.component(hop) else { return RouteEnd::Missing };
            component = next;
        }
        RouteEnd::NoOwner
    }

    /// Every component that a request can reach from the entry or from the load.
    pub(in crate::evolve) fn reachable_components(&self) -> BTreeSet<&'a ComponentName> {
        let driven = self.components.values().filter_map(|component| match &component.behavior {
            Behavior::Load(load) => Some(&load.drives),
            _ => None,
        });
        let mut unvisited: Vec<ComponentName> =
            driven.flatten().chain(self.entry).cloned().collect();
        let mut reachable = BTreeSet::new();
        while let Some(name) = unvisited.pop() {
            let Some((name, component)) = self.components.get_key_value(&name) else { continue };
            if reachable.insert(*name) {
                unvisited.extend(component.edges().into_iter().map(|edge| edge.to));
            }
        }
        reachable
    }

    /// The collections that any route or migration source names.
    pub(in crate::evolve) fn named_collections(&self) -> BTreeSet<Collection> {
        let mut collections = BTreeSet::new();
        for component in self.components.values() {
            if let Behavior::Service(service) = &component.behavior {
                collections.extend(service.routes.collections.keys().cloned());
            }
            for source in migration_sources(component) {
                let (CollectionSet::Only(named) | CollectionSet::AllBut(named)) =
                    &source.collections;
                collections.extend(named.iter().cloned());
            }
        }
        collections
    }
}
