//! What keeps a change from being made in place at all.

use super::{graph::Graph, home::SourcesOfTruth};
use crate::{
    observe::Running,
    plan::{Component, Topology},
};
use maquette_contract::{ComponentName, Role};
use std::{collections::BTreeSet, fmt};

/// Why what is wanted cannot be reached from what runs, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A wanted component has the name of one that runs in another role; both need the name at once.
    Role {
        /// The name.
        component: ComponentName,
        /// What runs under it.
        runs: Role,
        /// What is wanted under it.
        wanted: Role,
    },
    /// Somebody deleted a part of a component that is not wanted any more and is needed on the way: it
    /// still serves, or items are to be taken over from it.
    Lost {
        /// The component.
        component: ComponentName,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { component, runs, wanted } => write!(
                f,
                "{component} runs as a {runs} and is wanted as a {wanted}, which must run beside it \
                 first: give the {wanted} another name"
            ),
            Self::Lost { component } => write!(
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
pub(super) fn all(wanted: &Topology, running: &Running) -> Vec<Obstacle> {
    clashes(wanted, running).chain(lost(wanted, running)).collect()
}

fn clashes(wanted: &Topology, running: &Running) -> impl Iterator<Item = Obstacle> {
    let clash = |component: &Component| {
        let runs = running.component(&component.name)?.planned.as_ref()?.role();
        let (wanted, component) = (component.role(), component.name.clone());
        (runs != wanted).then_some(Obstacle::Role { component, runs, wanted })
    };
    wanted.components().filter_map(clash)
}

/// Components of which nobody knows what they do, and homes of items that nobody can ask any more. A home
/// without a volume never held any.
fn lost(wanted: &Topology, running: &Running) -> impl Iterator<Item = Obstacle> {
    let graph = Graph::of_running(running);
    let authorities = SourcesOfTruth::of(&graph, &graph.collections());
    let homes = authorities.homes().into_iter().filter(|home| running.has_volume(home));
    let homes = homes.filter(|home| graph.component(home).is_none());
    let needed: BTreeSet<_> = homes.chain(running.unreadable()).cloned().collect();
    let lost = needed.into_iter().filter(|component| wanted.component(component).is_none());
    lost.map(|component| Obstacle::Lost { component })
}
