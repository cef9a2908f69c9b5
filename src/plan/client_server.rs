//! Clients that query one data store directly: smart ones.

use super::{ShapePlan, components, names};
use crate::api::ValidClientServer;
use maquette_contract::ComponentName;

pub(super) fn plan(shape: &ValidClientServer) -> ShapePlan {
    let clients = shape.clients.iter();
    let clients = clients
        .map(|(name, component)| components::smart_service(name.clone(), component, names::data()));
    let store = components::new_store(names::data(), &shape.data);
    let drives: Vec<ComponentName> = shape.clients.iter().map(|(name, _)| name.clone()).collect();
    ShapePlan {
        entry: shape.clients.first().0.clone(),
        components: clients.chain([store]).collect(),
        drives,
        collections: vec![names::default_collection()],
    }
}
