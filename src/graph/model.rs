//! What pictures and comparisons are made of: components and the entry of users, as planned or as
//! they run.

use crate::{
    observe::RunningTopology,
    plan::{Component, Topology},
};
use maquette_contract::ComponentName;
use std::collections::BTreeMap;

/// The components of an Architecture and the entry of its users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub(super) entry: Option<ComponentName>,
    pub(super) components: BTreeMap<ComponentName, Component>,
    /// The number of ready pods; no entry for components that are only planned.
    pub(super) ready_pods: BTreeMap<ComponentName, u32>,
}

impl Model {
    /// The model as it is planned.
    pub fn from_topology(topology: &Topology) -> Self {
        Self {
            entry: Some(topology.entry().clone()),
            components: topology
                .components()
                .map(|component| (component.name.clone(), component.clone()))
                .collect(),
            ready_pods: BTreeMap::new(),
        }
    }

    /// The model as it runs. Components whose configuration or workload is missing are left out:
    /// see [`Model::unknown_components`].
    pub fn from_running(running: &RunningTopology) -> Self {
        let ready_pods = running.components().filter_map(|(name, component)| {
            let workload = component.workload.as_ref()?;
            Some((name.clone(), workload.updated.min(workload.available)))
        });
        Self {
            entry: running.entry().cloned(),
            components: running
                .planned_components()
                .map(|component| (component.name.clone(), component.clone()))
                .collect(),
            ready_pods: ready_pods.collect(),
        }
    }

    /// Components that have objects, but whose configuration or workload is missing.
    pub fn unknown_components(running: &RunningTopology) -> Vec<ComponentName> {
        let unknown = running.components().filter(|(_, component)| component.planned.is_none());
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// The component where users enter.
    pub fn entry(&self) -> Option<&ComponentName> {
        self.entry.as_ref()
    }

    /// The components, by name.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// The component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.get(name)
    }
}
