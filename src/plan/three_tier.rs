//! A thin client, the business tier, the data.

use super::{Plan, names, nodes};
use crate::api::ValidThreeTier;
use maquette_contract::Hop;

pub(super) fn plan(shape: &ValidThreeTier) -> Plan {
    let (client, business, data) = (names::client(), names::business(), names::data());
    let routes = nodes::rest(Hop::Call(business.clone()));
    Plan {
        entry: client.clone(),
        drives: vec![client.clone()],
        kinds: vec![names::items()],
        nodes: vec![
            nodes::thin(client, &shape.client, business.clone(), routes),
            nodes::smart(business, &shape.business, data.clone()),
            nodes::store(data, &shape.data),
        ],
    }
}
