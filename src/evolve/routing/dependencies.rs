//! On which components a component depends, and for what.
//!
//! Only a change of the dependencies has an order. All other settings can change at any time.

use crate::plan::{Behavior, Component, PlannedSource};
use maquette_contract::{Collection, CollectionSet, ComponentName, Routes};
use std::collections::BTreeSet;

#[derive(Debug, PartialEq)]
enum Dependencies<'a> {
    Service {
        calls: BTreeSet<&'a ComponentName>,
        store: Option<&'a ComponentName>,
        routes: &'a Routes,
        sources: Vec<(&'a ComponentName, &'a CollectionSet)>,
    },
    Store,
    Peer {
        sources: Vec<(&'a ComponentName, &'a CollectionSet)>,
        successor: Option<&'a ComponentName>,
    },
    Load {
        drives: &'a [ComponentName],
        collections: &'a [Collection],
    },
}

impl<'a> Dependencies<'a> {
    fn of(component: &'a Component) -> Self {
        match &component.behavior {
            Behavior::Service(service) => Self::Service {
                calls: service.calls.iter().map(|call| &call.to).collect(),
                store: service.store.as_ref(),
                routes: &service.routes,
                sources: source_dependencies(&service.migration_sources),
            },
            Behavior::Store(_) => Self::Store,
            Behavior::Peer(peer) => Self::Peer {
                sources: source_dependencies(&peer.migration_sources),
                successor: peer.successor.as_ref(),
            },
            Behavior::Load(load) => {
                Self::Load { drives: &load.drives, collections: &load.collections }
            }
        }
    }
}

/// Without `final_pass`: a final pass uses the same components as the passes before it.
fn source_dependencies(sources: &[PlannedSource]) -> Vec<(&ComponentName, &CollectionSet)> {
    sources.iter().map(|source| (&source.component, &source.collections)).collect()
}

/// Whether both depend on the same components for the same purposes.
pub(in crate::evolve) fn have_same_dependencies(one: &Component, other: &Component) -> bool {
    Dependencies::of(one) == Dependencies::of(other)
}
