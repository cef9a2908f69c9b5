//! What keeps a change from being made in place at all.

use super::{backend::SourcesOfTruth, graph::RouteGraph};
use crate::{
    observe::RunningTopology,
    plan::{Component, Topology},
};
use maquette_contract::{ComponentName, Role};
use std::{collections::BTreeSet, fmt};

/// Why what is wanted cannot be reached from what runs, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A wanted component has the name of one that runs in another role; both need the name at once.
    RoleConflict {
        /// The name.
        component: ComponentName,
        /// What runs under it.
        running: Role,
        /// What is wanted under it.
        wanted: Role,
    },
    /// Somebody deleted a part of a component that is not wanted any more and is needed on the way: it
    /// still serves, or items are to be taken over from it.
    PartDeleted {
        /// The component.
        component: ComponentName,
    },
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleConflict { component, running: runs, wanted } => write!(
                f,
                "{component} runs as a {runs} and is wanted as a {wanted}, which must run beside it \
                 first: give the {wanted} another name"
            ),
            Self::PartDeleted { component } => write!(
                f,
                "{component} is needed until this change is made, and its ConfigMap or StatefulSet was \
                 deleted: go back to the specification with {component}, which makes it anew with its \
                 volume, and make the change again; or, if nobody needs what it keeps, delete what \
                 is left of it and its PersistentVolumeClaims"
            ),
        }
    }
}

/// All of them.
pub(super) fn find_blockers(wanted: &Topology, running: &RunningTopology) -> Vec<Blocker> {
    role_conflicts(wanted, running).chain(deleted_parts(wanted, running)).collect()
}

fn role_conflicts(wanted: &Topology, running: &RunningTopology) -> impl Iterator<Item = Blocker> {
    let clash = |component: &Component| {
        let runs = running.component(&component.name)?.planned.as_ref()?.role();
        let (wanted, component) = (component.role(), component.name.clone());
        (runs != wanted).then_some(Blocker::RoleConflict { component, running: runs, wanted })
    };
    wanted.components().filter_map(clash)
}

/// Components of which nobody knows what they do, and homes of items that nobody can ask any more. A home
/// without a volume never held any.
fn deleted_parts(wanted: &Topology, running: &RunningTopology) -> impl Iterator<Item = Blocker> {
    let graph = RouteGraph::from_running(running);
    let authorities = SourcesOfTruth::from_running(&graph, &graph.named_collections());
    let homes = authorities.components().into_iter().filter(|home| running.has_volume(home));
    let homes = homes.filter(|home| graph.component(home).is_none());
    let needed: BTreeSet<_> = homes.chain(running.unreadable()).cloned().collect();
    let lost = needed.into_iter().filter(|component| wanted.component(component).is_none());
    lost.map(|component| Blocker::PartDeleted { component })
}
