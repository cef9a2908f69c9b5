//! What is drawn or compared: nodes and where users enter, as planned or as they run.

use crate::{
    observe::Running,
    plan::{Node, Topology},
};
use maquette_contract::NodeName;
use std::collections::BTreeMap;

/// Nodes and where users enter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub(super) entry: Option<NodeName>,
    pub(super) nodes: BTreeMap<NodeName, Node>,
    /// How many pods are ready, of nodes that run.
    pub(super) ready: BTreeMap<NodeName, u32>,
}

impl Model {
    /// What is to run.
    pub fn planned(topology: &Topology) -> Self {
        Self {
            entry: Some(topology.entry().clone()),
            nodes: topology.nodes().map(|node| (node.name.clone(), node.clone())).collect(),
            ready: BTreeMap::new(),
        }
    }

    /// What runs. Nodes whose configuration or workload is missing are left out: see
    /// [`Model::unknown`].
    pub fn running(running: &Running) -> Self {
        let planned = running.nodes().filter_map(|(_, found)| found.planned.clone());
        let ready = running.nodes().filter_map(|(name, found)| {
            let workload = found.workload.as_ref()?;
            Some((name.clone(), workload.updated.min(workload.available)))
        });
        Self {
            entry: running.entry().cloned(),
            nodes: planned.map(|node| (node.name.clone(), node)).collect(),
            ready: ready.collect(),
        }
    }

    /// Nodes of which something runs, but not all that is needed to say what they are.
    pub fn unknown(running: &Running) -> Vec<NodeName> {
        let unknown = running.nodes().filter(|(_, found)| found.planned.is_none());
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// Where users enter.
    pub fn entry(&self) -> Option<&NodeName> {
        self.entry.as_ref()
    }

    /// The nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The node of this name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.get(name)
    }
}
