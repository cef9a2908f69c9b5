//! The wiring of a component: whom it asks for what. Only a change of it has an order to keep; all other
//! settings can change at any time.

use crate::plan::{Behavior, Component, PlannedSource};
use maquette_contract::{Collection, CollectionSet, ComponentName, Routes};
use std::collections::BTreeSet;

/// What counts of a component's task.
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

fn dependencies_of(component: &Component) -> Dependencies<'_> {
    match &component.behavior {
        Behavior::Service(task) => Dependencies::Service {
            calls: task.calls.iter().map(|call| &call.to).collect(),
            store: task.store.as_ref(),
            routes: &task.routes,
            sources: source_dependencies(&task.migration_sources),
        },
        Behavior::Store(_) => Dependencies::Store,
        Behavior::Peer(task) => Dependencies::Peer {
            sources: source_dependencies(&task.migration_sources),
            successor: task.successor.as_ref(),
        },
        Behavior::Load(task) => {
            Dependencies::Load { drives: &task.drives, collections: &task.collections }
        }
    }
}

/// Whether a copy is the last one says nothing about who is asked.
fn source_dependencies(origins: &[PlannedSource]) -> Vec<(&ComponentName, &CollectionSet)> {
    origins.iter().map(|origin| (&origin.component, &origin.collections)).collect()
}

/// Whether both ask the same components for the same.
pub(super) fn are_same(one: &Component, other: &Component) -> bool {
    dependencies_of(one) == dependencies_of(other)
}
