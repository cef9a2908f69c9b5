//! Why a change cannot be made in place.

use super::routing::{RouteGraph, SourcesOfTruth};
use crate::{observe::RunningTopology, plan::Topology};
use maquette_contract::{ComponentName, Role};
use std::{collections::BTreeSet, fmt};

/// Why the wanted topology cannot be reached from the running one. The text says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A wanted component has the name of one that runs in another role: both would have to run at
    /// the same time.
    RoleConflict {
        /// The name that both have.
        component: ComponentName,
        /// The role that runs.
        running: Role,
        /// The role that is wanted.
        wanted: Role,
    },
    /// An object was deleted of a component that is not wanted any more, but that the change needs:
    /// it still serves, or its items are to be migrated.
    PartDeleted {
        /// The component whose ConfigMap or workload was deleted.
        component: ComponentName,
    },
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleConflict { component, running, wanted } => write!(
                f,
                "{component} runs as a {running} and is wanted as a {wanted}, which must run \
                 beside it first: give the {wanted} another name"
            ),
            Self::PartDeleted { component } => write!(
                f,
                "{component} is needed until this change is made, and its ConfigMap or StatefulSet \
                 was deleted: go back to the specification with {component}, which recreates it \
                 with its volume, and make the change again; or, if its items are not needed, \
                 delete what is left of it and its PersistentVolumeClaims"
            ),
        }
    }
}

/// All blockers of a change from `running` to `wanted`.
pub(super) fn find_blockers(wanted: &Topology, running: &RunningTopology) -> Vec<Blocker> {
    role_conflicts(wanted, running).chain(deleted_parts(wanted, running)).collect()
}

fn role_conflicts(wanted: &Topology, running: &RunningTopology) -> impl Iterator<Item = Blocker> {
    wanted.components().filter_map(|component| {
        let current = running.component(&component.name)?.planned.as_ref()?.role();
        (current != component.role()).then(|| Blocker::RoleConflict {
            component: component.name.clone(),
            running: current,
            wanted: component.role(),
        })
    })
}

/// Components whose configuration is unknown, and sources of truth that do not run any more.
fn deleted_parts(wanted: &Topology, running: &RunningTopology) -> impl Iterator<Item = Blocker> {
    let graph = RouteGraph::from_running(running);
    let sources = SourcesOfTruth::from_running(&graph, &graph.named_collections());
    // A backend without a volume never stored an item.
    let not_running = sources
        .components()
        .into_iter()
        .filter(|backend| running.has_volume(backend) && graph.component(backend).is_none());
    let needed: BTreeSet<_> = not_running.chain(running.unreadable()).cloned().collect();
    needed
        .into_iter()
        .filter(|component| wanted.component(component).is_none())
        .map(|component| Blocker::PartDeleted { component })
}
