//! Clients that query one data store directly: smart ones.

use super::{Plan, components, names};
use crate::api::ValidClientServer;
use maquette_contract::ComponentName;

pub(super) fn plan(shape: &ValidClientServer) -> Plan {
    let clients = shape.clients.iter();
    let clients =
        clients.map(|(name, component)| components::smart(name.clone(), component, names::data()));
    let store = components::store(names::data(), &shape.data);
    let drives: Vec<ComponentName> = shape.clients.iter().map(|(name, _)| name.clone()).collect();
    Plan {
        entry: shape.clients.first().0.clone(),
        components: clients.chain([store]).collect(),
        drives,
        collections: vec![names::items()],
    }
}
