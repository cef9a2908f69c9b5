//! What is drawn or compared: components and where users enter, as planned or as they run.

use crate::{
    observe::RunningTopology,
    plan::{Component, Topology},
};
use maquette_contract::ComponentName;
use std::collections::BTreeMap;

/// Components and where users enter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub(super) entry: Option<ComponentName>,
    pub(super) components: BTreeMap<ComponentName, Component>,
    /// How many pods are ready, of components that run.
    pub(super) ready_pods: BTreeMap<ComponentName, u32>,
}

impl Model {
    /// What is to run.
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

    /// What runs. Components whose configuration or workload is missing are left out: see
    /// [`Model::unknown`].
    pub fn from_running(running: &RunningTopology) -> Self {
        let planned = running.components().filter_map(|(_, found)| found.planned.clone());
        let ready = running.components().filter_map(|(name, found)| {
            let workload = found.workload.as_ref()?;
            Some((name.clone(), workload.updated.min(workload.available)))
        });
        Self {
            entry: running.entry().cloned(),
            components: planned.map(|component| (component.name.clone(), component)).collect(),
            ready_pods: ready.collect(),
        }
    }

    /// Components of which something runs, but not all that is needed to say what they are.
    pub fn unknown_components(running: &RunningTopology) -> Vec<ComponentName> {
        let unknown = running.components().filter(|(_, found)| found.planned.is_none());
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// Where users enter.
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
