//! Clients that query one data store directly: smart ones.

use super::{Plan, names, nodes};
use crate::api::ValidClientServer;
use maquette_contract::NodeName;

pub(super) fn plan(shape: &ValidClientServer) -> Plan {
    let clients = shape.clients.iter();
    let clients = clients.map(|(name, node)| nodes::smart(name.clone(), node, names::data()));
    let store = nodes::store(names::data(), &shape.data);
    let drives: Vec<NodeName> = shape.clients.iter().map(|(name, _)| name.clone()).collect();
    Plan {
        entry: shape.clients.first().0.clone(),
        nodes: clients.chain([store]).collect(),
        drives,
        kinds: vec![names::items()],
    }
}
