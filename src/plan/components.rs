//! Constructors of the components that shapes consist of.

use super::{Behavior, Component, PlannedCall, ServiceBehavior, StoreBehavior, Volume, resources};
use crate::api::{ValidComponent, ValidStorage, ValidStore};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, Role, Routes};

/// A service without calls and without a store.
pub(super) fn new_service(
    name: ComponentName,
    settings: &ValidComponent,
    routes: Routes,
) -> Component {
    let behavior = ServiceBehavior {
        work: settings.work.clone(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: None,
        routes,
        migration_sources: vec![],
    };
    Component {
        name,
        replicas: settings.replicas,
        resources: resources::with_defaults(Role::Service, &settings.resources),
        behavior: Behavior::Service(behavior),
    }
}

/// A service that queries `store` for every collection.
pub(super) fn smart_service(
    name: ComponentName,
    settings: &ValidComponent,
    store: ComponentName,
) -> Component {
    edit_service(new_service(name, settings, single_route(Hop::Own)), |behavior| {
        behavior.store = Some(store)
    })
}

/// A service that sends all requests to `to`.
pub(super) fn thin_service(
    name: ComponentName,
    settings: &ValidComponent,
    to: ComponentName,
    routes: Routes,
) -> Component {
    let call = PlannedCall { to, probability_percent: Percent::ALWAYS };
    edit_service(new_service(name, settings, routes), |behavior| behavior.calls.push(call))
}

/// Applies `change` to the behavior of a service; other components stay as they are.
pub(super) fn edit_service(
    mut component: Component,
    change: impl FnOnce(&mut ServiceBehavior),
) -> Component {
    if let Behavior::Service(behavior) = &mut component.behavior {
        change(behavior);
    }
    component
}

pub(super) fn new_store(name: ComponentName, store: &ValidStore) -> Component {
    Component {
        name,
        replicas: 1,
        resources: resources::with_defaults(Role::Store, &store.resources),
        behavior: Behavior::Store(StoreBehavior { storage: volume_from(&store.storage) }),
    }
}

pub(super) fn volume_from(storage: &ValidStorage) -> Volume {
    Volume { size: storage.size.to_string(), storage_class: storage.storage_class.clone() }
}

/// Routes with the same next hop for all collections.
pub(super) fn single_route(hop: Hop) -> Routes {
    Routes { rest: Some(hop), ..Routes::default() }
}
