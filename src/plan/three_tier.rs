//! The three-tier shape: a thin client, a smart business tier, and the data store.

use super::{ShapePlan, components, names};
use crate::api::ValidThreeTier;
use maquette_contract::Hop;

pub(super) fn plan(shape: &ValidThreeTier) -> ShapePlan {
    let (client, business, data) = (names::client(), names::business(), names::data());
    let routes = components::single_route(Hop::Call(business.clone()));
    ShapePlan {
        entry: client.clone(),
        drives: vec![client.clone()],
        collections: vec![names::default_collection()],
        components: vec![
            components::thin_service(client, &shape.client, business.clone(), routes),
            components::smart_service(business, &shape.business, data.clone()),
            components::new_store(data, &shape.data),
        ],
    }
}
