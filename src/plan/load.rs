//! The load generator.

use super::{Behavior, Component, LoadBehavior, names, resources};
use crate::api::ValidLoad;
use maquette_contract::{Collection, ComponentName, Role};

/// None if the load is turned off (0 requests per second).
pub(super) fn plan(
    load: &ValidLoad,
    drives: Vec<ComponentName>,
    collections: Vec<Collection>,
) -> Option<Component> {
    if load.requests_per_second == 0 {
        return None;
    }
    let behavior = LoadBehavior {
        drives,
        requests_per_second: load.requests_per_second,
        arrivals: load.arrivals,
        ramp: load.ramp,
        closed_loop: load.closed_loop,
        write_percent: load.write_percent,
        summary_percent: load.summary_percent,
        items: load.items,
        collections,
    };
    Some(Component {
        name: names::load(),
        replicas: 1,
        resources: resources::with_defaults(Role::Load, &load.resources),
        behavior: Behavior::Load(behavior),
    })
}
