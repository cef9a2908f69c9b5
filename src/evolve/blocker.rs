//! Why a change cannot be made in place.

use super::routing::{RouteGraph, SourcesOfTruth, migration_sources};
use crate::{observe::RunningTopology, plan::Topology};
use maquette_contract::{ComponentName, Observations, Role};
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
    /// The settings of a wanted component are lost, and its pods migrate items: with new settings they
    /// would not find those that are not copied yet.
    SettingsLost {
        /// The component whose ConfigMap was deleted or damaged.
        component: ComponentName,
        /// The migration sources that its pods report; none if no pod has reported.
        sources: Vec<ComponentName>,
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
            Self::SettingsLost { component, sources } if sources.is_empty() => write!(
                f,
                "the ConfigMap of {component} was deleted or damaged, and none of its pods has \
                 reported yet whether it migrates items"
            ),
            Self::SettingsLost { component, sources } => {
                let names: Vec<_> = sources.iter().map(ComponentName::as_str).collect();
                let sources = names.join(", ");
                write!(
                    f,
                    "{component} migrates items from {sources}, and its ConfigMap was deleted or \
                     damaged: restore that ConfigMap; or, if the items that are only in {sources} \
                     are not needed, delete the pods of {component}"
                )
            }
        }
    }
}

/// All blockers of a change from `running` to `wanted`.
pub(super) fn find_blockers(wanted: &Topology, running: &RunningTopology) -> Vec<Blocker> {
    role_conflicts(wanted, running)
        .chain(deleted_parts(wanted, running))
        .chain(lost_settings(wanted, running))
        .collect()
}

/// Wanted components whose settings are unknown, and whose pods migrate items from where no route shows
/// that any are; or may do so: they have not reported, and such a backend is no longer wanted.
fn lost_settings(wanted: &Topology, running: &RunningTopology) -> Vec<Blocker> {
    if running.unreadable().next().is_none() {
        return vec![];
    }
    let graph = RouteGraph::from_running(running);
    let collections =
        &graph.named_collections() | &RouteGraph::from_topology(wanted).named_collections();
    let sources_of_truth = SourcesOfTruth::from_running(&graph, &collections);
    let mut obsolete = graph.components().filter(|one| {
        let is_backend = matches!(one.role(), Role::Store | Role::Peer);
        is_backend
            && wanted.component(&one.name).is_none()
            && !sources_of_truth.components().contains(&one.name)
    });
    let has_unknown_backend = obsolete.next().is_some();
    let lost = running.unreadable().filter_map(|name| wanted.component(name));
    lost.filter(|component| matches!(component.role(), Role::Service | Role::Peer))
        .filter_map(|component| {
            let reports = reports_of(running, &component.name);
            let reported = reports.iter().flat_map(|report| &report.migration_sources);
            let mut known = component.clone();
            sources_of_truth.assign_sources(&mut known);
            let unknown: BTreeSet<_> = reported
                .map(|source| source.component.clone())
                .filter(|source| {
                    migration_sources(&known).iter().all(|one| one.component != *source)
                })
                .collect();
            let may_migrate = reports.is_empty() && has_unknown_backend;
            (may_migrate || !unknown.is_empty()).then(|| Blocker::SettingsLost {
                component: component.name.clone(),
                sources: unknown.into_iter().collect(),
            })
        })
        .collect()
}

/// The newest report of each pod of a component that has one.
fn reports_of<'a>(running: &'a RunningTopology, name: &ComponentName) -> Vec<&'a Observations> {
    let pods = running.component(name).map(|found| found.pods.as_slice()).unwrap_or_default();
    pods.iter().filter_map(|pod| pod.report.latest.as_ref()).map(|(_, report)| report).collect()
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
