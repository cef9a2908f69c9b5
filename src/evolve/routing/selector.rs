//! Which items follow the same route.

use maquette_contract::{Collection, CollectionSet, Hop, Routes};
use std::collections::BTreeSet;

/// Items that follow the same route: those of a collection that is named in a topology, or those of
/// all other collections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::evolve) enum CollectionSelector {
    Named(Collection),
    Rest,
}

impl CollectionSelector {
    /// One selector for each of `collections`, and one for the rest.
    pub(in crate::evolve) fn all(collections: &BTreeSet<Collection>) -> Vec<Self> {
        collections.iter().cloned().map(Self::Named).chain([Self::Rest]).collect()
    }

    /// The next hop of these items.
    pub(in crate::evolve) fn hop<'a>(&self, routes: &'a Routes) -> Option<&'a Hop> {
        match self {
            Self::Named(collection) => routes.next_hop(collection),
            Self::Rest => routes.rest.as_ref(),
        }
    }

    /// Makes `hop` the next hop of these items.
    pub(in crate::evolve) fn set_hop(self, routes: &mut Routes, hop: Hop) {
        match self {
            Self::Named(collection) => _ = routes.collections.insert(collection, Some(hop)),
            Self::Rest => routes.rest = Some(hop),
        }
    }

    pub(in crate::evolve) fn is_in(&self, collections: &CollectionSet) -> bool {
        match self {
            Self::Named(collection) => collections.contains(collection),
            Self::Rest => matches!(collections, CollectionSet::AllBut(_)),
        }
    }
}
