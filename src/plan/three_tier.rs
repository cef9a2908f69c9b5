//! A thin client, the business tier, the data.

use super::{Plan, components, names};
use crate::api::ValidThreeTier;
use maquette_contract::Hop;

pub(super) fn plan(shape: &ValidThreeTier) -> Plan {
    let (client, business, data) = (names::client(), names::business(), names::data());
    let routes = components::rest(Hop::Call(business.clone()));
    Plan {
        entry: client.clone(),
        drives: vec![client.clone()],
        collections: vec![names::items()],
        components: vec![
            components::thin(client, &shape.client, business.clone(), routes),
            components::smart(business, &shape.business, data.clone()),
            components::store(data, &shape.data),
        ],
    }
}
