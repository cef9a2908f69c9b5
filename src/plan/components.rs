//! The parts that shapes are made of.

use super::{Behavior, Component, PlannedCall, ServiceBehavior, StoreBehavior, Volume, resources};
use crate::api::{ValidComponent, ValidStorage, ValidStore};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, Role, Routes};

/// A service that calls nobody and queries nothing yet.
pub(super) fn new_service(
    name: ComponentName,
    component: &ValidComponent,
    routes: Routes,
) -> Component {
    let task = ServiceBehavior {
        work: component.work.clone(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: None,
        routes,
        migration_sources: vec![],
    };
    Component {
        name,
        replicas: component.replicas,
        resources: resources::with_defaults(Role::Service, &component.resources),
        behavior: Behavior::Service(task),
    }
}

/// A service that queries `store` for every collection.
pub(super) fn smart_service(
    name: ComponentName,
    component: &ValidComponent,
    store: ComponentName,
) -> Component {
    edit_service(new_service(name, component, single_route(Hop::Own)), |task| {
        task.store = Some(store)
    })
}

/// A service that leaves all collections to `to`.
pub(super) fn thin_service(
    name: ComponentName,
    component: &ValidComponent,
    to: ComponentName,
    routes: Routes,
) -> Component {
    let call = PlannedCall { to, probability_percent: Percent::ALWAYS };
    edit_service(new_service(name, component, routes), |task| task.calls.push(call))
}

/// The service `component`, changed.
pub(super) fn edit_service(
    mut component: Component,
    change: impl FnOnce(&mut ServiceBehavior),
) -> Component {
    if let Behavior::Service(task) = &mut component.behavior {
        change(task);
    }
    component
}

/// A store.
pub(super) fn new_store(name: ComponentName, store: &ValidStore) -> Component {
    Component {
        name,
        replicas: 1,
        resources: resources::with_defaults(Role::Store, &store.resources),
        behavior: Behavior::Store(StoreBehavior { storage: volume_from(&store.storage) }),
    }
}

/// A volume.
pub(super) fn volume_from(storage: &ValidStorage) -> Volume {
    Volume { size: storage.size.to_string(), storage_class: storage.storage_class.clone() }
}

/// Routes that send all collections one way.
pub(super) fn single_route(hop: Hop) -> Routes {
    Routes { rest: Some(hop), ..Routes::default() }
}
