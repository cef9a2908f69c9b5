//! The client-server shape: smart clients, which query one data store directly.

use super::{ShapePlan, components, names};
use crate::api::ValidClientServer;
use maquette_contract::ComponentName;

pub(super) fn plan(shape: &ValidClientServer) -> ShapePlan {
    let clients = shape
        .clients
        .iter()
        .map(|(name, settings)| components::smart_service(name.clone(), settings, names::data()));
    let store = components::new_store(names::data(), &shape.data);
    let drives: Vec<ComponentName> = shape.clients.iter().map(|(name, _)| name.clone()).collect();
    ShapePlan {
        entry: shape.entry.clone(),
        components: clients.chain([store]).collect(),
        drives,
        collections: vec![names::default_collection()],
    }
}
