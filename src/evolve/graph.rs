//! Components and their routes, wanted or running, and the way that requests take through them.

use crate::{
    observe::RunningTopology,
    plan::{Behavior, Component, Topology},
};
use maquette_contract::{Collection, CollectionSet, ComponentName, Hop, Routes};
use std::collections::{BTreeMap, BTreeSet};

/// Items that share their way: those of a collection that has a name somewhere, or all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CollectionSelector {
    Named(Collection),
    Rest,
}

impl CollectionSelector {
    /// The next step for these items.
    pub(super) fn hop<'a>(&self, routes: &'a Routes) -> Option<&'a Hop> {
        match self {
            Self::Named(collection) => routes.next_hop(collection),
            Self::Rest => routes.rest.as_ref(),
        }
    }

    /// Makes `hop` the next step for these items.
    pub(super) fn set_hop(self, routes: &mut Routes, hop: Hop) {
        match self {
            Self::Named(collection) => _ = routes.collections.insert(collection, Some(hop)),
            Self::Rest => routes.rest = Some(hop),
        }
    }

    /// Whether these items are among those of `collections`.
    pub(super) fn is_in(&self, collections: &CollectionSet) -> bool {
        match self {
            Self::Named(collection) => collections.contains(collection),
            Self::Rest => matches!(collections, CollectionSet::AllBut(_)),
        }
    }
}

/// Where requests end.
pub(super) enum RouteEnd<'a> {
    /// At the component that owns what they are for.
    Owner(&'a Component),
    /// At one that knows nobody who does.
    NoOwner,
    /// On their way to a component that is not there.
    Missing,
}

/// A graph of components that requests go through.
pub(super) struct RouteGraph<'a> {
    entry: Option<&'a ComponentName>,
    components: BTreeMap<&'a ComponentName, &'a Component>,
}

impl<'a> RouteGraph<'a> {
    pub(super) fn from_topology(topology: &'a Topology) -> Self {
        Self {
            entry: Some(topology.entry()),
            components: topology
                .components()
                .map(|component| (&component.name, component))
                .collect(),
        }
    }

    pub(super) fn from_running(running: &'a RunningTopology) -> Self {
        let planned = running.components().filter_map(|(_, found)| found.planned.as_ref());
        Self {
            entry: running.entry(),
            components: planned.map(|component| (&component.name, component)).collect(),
        }
    }

    pub(super) fn component(&self, name: &ComponentName) -> Option<&'a Component> {
        self.components.get(name).copied()
    }

    pub(super) fn components(&self) -> impl Iterator<Item = &'a Component> {
        self.components.values().copied()
    }

    /// The component that requests for these items, sent to the entry, end at: it asks its own home.
    pub(super) fn owner_of(&self, share: &CollectionSelector) -> Option<&'a Component> {
        match self.route_end(share) {
            RouteEnd::Owner(owner) => Some(owner),
            RouteEnd::NoOwner | RouteEnd::Missing => None,
        }
    }

    /// Where requests for these items, sent to the entry, end.
    pub(super) fn route_end(&self, share: &CollectionSelector) -> RouteEnd<'a> {
        let Some(mut component) = self.entry.and_then(|entry| self.component(entry)) else {
            return RouteEnd::Missing;
        };
        // No way is longer than there are components, unless it goes round for ever.
        for _ in 0..=self.components.len() {
            let next = match &component.behavior {
                Behavior::Service(task) => match share.hop(&task.routes) {
                    Some(Hop::Own) => return RouteEnd::Owner(component),
                    Some(Hop::Call(next)) => next,
                    None => return RouteEnd::NoOwner,
                },
                Behavior::Peer(task) => match &task.successor {
                    None => return RouteEnd::Owner(component),
                    Some(next) => next,
                },
                Behavior::Store(_) | Behavior::Load(_) => return RouteEnd::NoOwner,
            };
            let Some(next) = self.component(next) else { return RouteEnd::Missing };
            component = next;
        }
        RouteEnd::NoOwner
    }

    /// Every component that a request can come to, from the entry and from end users.
    pub(super) fn reachable_components(&self) -> BTreeSet<&'a ComponentName> {
        let drives = self.components.values().filter_map(|component| match &component.behavior {
            Behavior::Load(task) => Some(&task.drives),
            _ => None,
        });
        let mut next: Vec<ComponentName> = drives.flatten().chain(self.entry).cloned().collect();
        let mut used = BTreeSet::new();
        while let Some(name) = next.pop() {
            let Some((name, component)) = self.components.get_key_value(&name) else { continue };
            if used.insert(*name) {
                next.extend(component.edges().into_iter().map(|edge| edge.to));
            }
        }
        used
    }

    /// The collections that are named anywhere in it.
    pub(super) fn named_collections(&self) -> BTreeSet<Collection> {
        let mut collections = BTreeSet::new();
        for component in self.components.values() {
            let origins = match &component.behavior {
                Behavior::Service(task) => {
                    collections.extend(task.routes.collections.keys().cloned());
                    &task.migration_sources
                }
                Behavior::Peer(task) => &task.migration_sources,
                Behavior::Store(_) | Behavior::Load(_) => continue,
            };
            for origin in origins {
                let (CollectionSet::Only(named) | CollectionSet::AllBut(named)) =
                    &origin.collections;
                collections.extend(named.iter().cloned());
            }
        }
        collections
    }
}
