//! Where items are: the homes of each collection, and which of them has every acknowledged write.

use super::graph::{CollectionSelector, RouteEnd, RouteGraph};
use crate::plan::{Behavior, Component, PlannedSource};
use maquette_contract::{Collection, CollectionSet, ComponentName, Hop, SourceBackend};
use std::collections::{BTreeMap, BTreeSet};

/// A component that keeps items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backend {
    pub(super) component: ComponentName,
    pub(super) backend_type: SourceBackend,
}

/// Whether requests for these items end at `component`.
pub(super) fn is_owner_of(component: &Component, share: &CollectionSelector) -> bool {
    match &component.behavior {
        Behavior::Service(task) => matches!(share.hop(&task.routes), Some(Hop::Own)),
        Behavior::Peer(task) => task.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

/// Whether requests for any items end at `component`.
pub(super) fn owns_any_collection(component: &Component) -> bool {
    match &component.behavior {
        Behavior::Service(task) => {
            let hops = task.routes.collections.values().flatten().chain(&task.routes.rest);
            hops.into_iter().any(|hop| *hop == Hop::Own)
        }
        Behavior::Peer(task) => task.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

/// Where `component` keeps the items that it owns.
pub(super) fn own_backend(component: &Component) -> Option<Backend> {
    match &component.behavior {
        Behavior::Service(task) => {
            let store = task.store.clone()?;
            Some(Backend { component: store, backend_type: SourceBackend::Store })
        }
        Behavior::Peer(_) => {
            Some(Backend { component: component.name.clone(), backend_type: SourceBackend::Peers })
        }
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// What `component` takes over.
pub(super) fn migration_sources(component: &Component) -> &[PlannedSource] {
    match &component.behavior {
        Behavior::Service(task) => &task.migration_sources,
        Behavior::Peer(task) => &task.migration_sources,
        Behavior::Store(_) | Behavior::Load(_) => &[],
    }
}

/// The same, to be changed.
pub(super) fn migration_sources_mut(component: &mut Component) -> Option<&mut Vec<PlannedSource>> {
    match &mut component.behavior {
        Behavior::Service(task) => Some(&mut task.migration_sources),
        Behavior::Peer(task) => Some(&mut task.migration_sources),
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// The components that `component` keeps items in or takes them over from.
pub(super) fn backend_components(component: &Component) -> impl Iterator<Item = ComponentName> {
    let origins = migration_sources(component).iter().map(|origin| origin.component.clone());
    own_backend(component).map(|home| home.component).into_iter().chain(origins)
}

/// Says of every copy to `component` whether it is the last.
pub(super) fn set_final_pass(component: &mut Component, last: bool) {
    migration_sources_mut(component)
        .into_iter()
        .flatten()
        .for_each(|origin| origin.final_pass = last);
}

/// Whether `component` is in the last pass of the copies from all its origins.
pub(super) fn is_in_final_pass(component: &Component) -> bool {
    let origins = migration_sources(component);
    !origins.is_empty() && origins.iter().all(|origin| origin.final_pass)
}

/// The home that every write goes to which `owner` acknowledges: the one that it takes them over
/// from, else its own.
pub(super) fn authoritative_backend(
    owner: &Component,
    share: &CollectionSelector,
) -> Option<Backend> {
    let origin = migration_sources(owner).iter().find(|origin| share.is_in(&origin.collections));
    match origin {
        Some(origin) => {
            Some(Backend { component: origin.component.clone(), backend_type: origin.backend })
        }
        None => own_backend(owner),
    }
}

/// For items of every collection, the home that has all acknowledged writes of what runs.
pub(super) struct SourcesOfTruth(BTreeMap<CollectionSelector, Backend>);

impl SourcesOfTruth {
    /// Those of `running`. `collections` are the collections that count; all others are the rest.
    pub(super) fn from_running(
        running: &RouteGraph<'_>,
        collections: &BTreeSet<Collection>,
    ) -> Self {
        let home = |share: CollectionSelector| {
            let home = source_of_truth(running, &share)?;
            Some((share, home))
        };
        Self(all_selectors(collections).into_iter().filter_map(home).collect())
    }

    /// The components that are a home.
    pub(super) fn components(&self) -> BTreeSet<&ComponentName> {
        self.0.values().map(|home| &home.component).collect()
    }

    /// Without the homes of which `exists` says that there are none.
    pub(super) fn restrict_to(mut self, exists: impl Fn(&ComponentName) -> bool) -> Self {
        self.0.retain(|_, home| exists(&home.component));
        self
    }

    /// Lets `owner` take over what it must, so that it can answer for its items.
    pub(super) fn assign_sources(&self, owner: &mut Component) {
        let origins = self.sources_for(owner);
        if let Some(before) = migration_sources_mut(owner) {
            *before = origins;
        }
    }

    /// What `owner` must take over, and from where.
    fn sources_for(&self, owner: &Component) -> Vec<PlannedSource> {
        let Some(own) = own_backend(owner) else { return vec![] };
        let mut from: BTreeMap<&Backend, BTreeSet<&CollectionSelector>> = BTreeMap::new();
        let owned: Vec<_> = self.0.iter().filter(|(share, _)| is_owner_of(owner, share)).collect();
        for (share, home) in owned.iter().filter(|(_, home)| **home != own) {
            from.entry(home).or_default().insert(share);
        }
        let origin = |(home, shares): (&Backend, BTreeSet<&CollectionSelector>)| PlannedSource {
            component: home.component.clone(),
            backend: home.backend_type,
            collections: if shares.contains(&CollectionSelector::Rest) {
                CollectionSet::AllBut(collection_names(
                    owned.iter().map(|(s, _)| *s).filter(|s| !shares.contains(s)),
                ))
            } else {
                CollectionSet::Only(collection_names(shares.into_iter()))
            },
            final_pass: false,
        };
        from.into_iter().map(origin).collect()
    }
}

/// The home that has all acknowledged writes of these items: that of the owner that requests end at.
/// Where somebody deleted a part of their way it is that of all who own them, if they agree.
fn source_of_truth(running: &RouteGraph<'_>, share: &CollectionSelector) -> Option<Backend> {
    let mut owners = running.components().filter(|component| is_owner_of(component, share));
    let owner = match running.route_end(share) {
        RouteEnd::Owner(owner) => owner,
        RouteEnd::NoOwner => return None,
        RouteEnd::Missing => {
            let homes = owners.filter_map(|owner| authoritative_backend(owner, share));
            let homes: BTreeSet<_> = homes.collect();
            return if homes.len() == 1 { homes.into_iter().next() } else { None };
        }
    };
    // Once one of those who share a new home was told to ask it alone, everything is there.
    let own = own_backend(owner)?;
    let is_complete =
        |component: &Component| authoritative_backend(component, share).as_ref() == Some(&own);
    if owners
        .any(|component| own_backend(component).as_ref() == Some(&own) && is_complete(component))
    {
        return Some(own);
    }
    authoritative_backend(owner, share)
}

fn collection_names<'a>(
    shares: impl Iterator<Item = &'a CollectionSelector>,
) -> BTreeSet<Collection> {
    let collection = |share: &CollectionSelector| match share {
        CollectionSelector::Named(collection) => Some(collection.clone()),
        CollectionSelector::Rest => None,
    };
    shares.filter_map(collection).collect()
}

/// Each of the collections, and the rest.
pub(super) fn all_selectors(collections: &BTreeSet<Collection>) -> Vec<CollectionSelector> {
    collections
        .iter()
        .cloned()
        .map(CollectionSelector::Named)
        .chain([CollectionSelector::Rest])
        .collect()
}
