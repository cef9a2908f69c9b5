//! Which backend has every acknowledged write.

use super::{
    backend::{Backend, authoritative_backend, is_owner_of, migration_sources_mut, own_backend},
    graph::{RouteEnd, RouteGraph},
    selector::CollectionSelector,
};
use crate::plan::{Component, PlannedSource};
use maquette_contract::{Collection, CollectionSet, ComponentName};
use std::collections::{BTreeMap, BTreeSet};

/// For each selector, the backend that has every acknowledged write of the running model.
pub(in crate::evolve) struct SourcesOfTruth(BTreeMap<CollectionSelector, Backend>);

impl SourcesOfTruth {
    /// Of `collections` one by one, and of the rest. Items without an owner have none.
    pub(in crate::evolve) fn from_running(
        running: &RouteGraph<'_>,
        collections: &BTreeSet<Collection>,
    ) -> Self {
        let mut sources = BTreeMap::new();
        for selector in CollectionSelector::all(collections) {
            if let Some(backend) = source_of_truth(running, &selector) {
                sources.insert(selector, backend);
            }
        }
        Self(sources)
    }

    /// The names of the backends.
    pub(in crate::evolve) fn components(&self) -> BTreeSet<&ComponentName> {
        self.0.values().map(|backend| &backend.component).collect()
    }

    /// Drops the backends for which `exists` is false.
    pub(in crate::evolve) fn restrict_to(
        mut self,
        exists: impl Fn(&ComponentName) -> bool,
    ) -> Self {
        self.0.retain(|_, backend| exists(&backend.component));
        self
    }

    /// Replaces the migration sources of `owner` by those that it needs to respond for its items.
    pub(in crate::evolve) fn assign_sources(&self, owner: &mut Component) {
        let needed = self.sources_for(owner);
        if let Some(sources) = migration_sources_mut(owner) {
            *sources = needed;
        }
    }

    fn sources_for(&self, owner: &Component) -> Vec<PlannedSource> {
        let Some(own) = own_backend(owner) else { return vec![] };
        let owned: Vec<_> =
            self.0.iter().filter(|(selector, _)| is_owner_of(owner, selector)).collect();
        let mut elsewhere: BTreeMap<&Backend, BTreeSet<&CollectionSelector>> = BTreeMap::new();
        for (selector, backend) in owned.iter().filter(|(_, backend)| **backend != own) {
            elsewhere.entry(backend).or_default().insert(selector);
        }
        let owned: Vec<_> = owned.iter().map(|(selector, _)| *selector).collect();
        elsewhere
            .into_iter()
            .map(|(backend, selectors)| PlannedSource {
                component: backend.component.clone(),
                backend: backend.backend_type,
                collections: collections_of(&selectors, &owned),
                final_pass: false,
            })
            .collect()
    }
}

/// The set that `selectors`, a part of `owned`, select.
fn collections_of(
    selectors: &BTreeSet<&CollectionSelector>,
    owned: &[&CollectionSelector],
) -> CollectionSet {
    if selectors.contains(&CollectionSelector::Rest) {
        let others = owned.iter().filter(|selector| !selectors.contains(*selector));
        CollectionSet::AllBut(collection_names(others))
    } else {
        CollectionSet::Only(collection_names(selectors))
    }
}

fn collection_names<'a>(
    selectors: impl IntoIterator<Item = &'a &'a CollectionSelector>,
) -> BTreeSet<Collection> {
    let names = selectors.into_iter().filter_map(|selector| match selector {
        CollectionSelector::Named(collection) => Some(collection.clone()),
        CollectionSelector::Rest => None,
    });
    names.collect()
}

/// The backend that has every acknowledged write of these items.
fn source_of_truth(running: &RouteGraph<'_>, selector: &CollectionSelector) -> Option<Backend> {
    let mut owners = running.components().filter(|component| is_owner_of(component, selector));
    let owner = match running.route_end(selector) {
        RouteEnd::Owner(owner) => owner,
        RouteEnd::NoOwner => return None,
        // A component on the route was deleted: the backend of all owners, if they agree.
        RouteEnd::Missing => {
            let backends: BTreeSet<_> =
                owners.filter_map(|owner| authoritative_backend(owner, selector)).collect();
            return if backends.len() == 1 { backends.into_iter().next() } else { None };
        }
    };
    // Several owners can share a new backend. Once one of them uses it alone, its writes are only
    // there, and the final pass has already copied all others.
    let own = own_backend(owner)?;
    let is_used_alone = owners.any(|other| {
        own_backend(other).as_ref() == Some(&own)
            && authoritative_backend(other, selector).as_ref() == Some(&own)
    });
    if is_used_alone { Some(own) } else { authoritative_backend(owner, selector) }
}
