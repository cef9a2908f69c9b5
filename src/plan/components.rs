//! The parts that shapes are made of.

use super::{Component, PlannedCall, ServiceTask, StoreTask, Task, Volume, resources};
use crate::api::{ValidComponent, ValidStorage, ValidStore};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, Role, Routes};

/// A service that calls nobody and queries nothing yet.
pub(super) fn service(
    name: ComponentName,
    component: &ValidComponent,
    routes: Routes,
) -> Component {
    let task = ServiceTask {
        work: component.work.clone(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: None,
        routes,
        origins: vec![],
    };
    Component {
        name,
        replicas: component.replicas,
        resources: resources::of(Role::Service, &component.resources),
        task: Task::Service(task),
    }
}

/// A service that queries `store` for every collection.
pub(super) fn smart(
    name: ComponentName,
    component: &ValidComponent,
    store: ComponentName,
) -> Component {
    with(service(name, component, rest(Hop::Own)), |task| task.store = Some(store))
}

/// A service that leaves all collections to `to`.
pub(super) fn thin(
    name: ComponentName,
    component: &ValidComponent,
    to: ComponentName,
    routes: Routes,
) -> Component {
    let call = PlannedCall { to, probability_percent: Percent::ALWAYS };
    with(service(name, component, routes), |task| task.calls.push(call))
}

/// The service `component`, changed.
pub(super) fn with(mut component: Component, change: impl FnOnce(&mut ServiceTask)) -> Component {
    if let Task::Service(task) = &mut component.task {
        change(task);
    }
    component
}

/// A store.
pub(super) fn store(name: ComponentName, store: &ValidStore) -> Component {
    Component {
        name,
        replicas: 1,
        resources: resources::of(Role::Store, &store.resources),
        task: Task::Store(StoreTask { storage: volume(&store.storage) }),
    }
}

/// A volume.
pub(super) fn volume(storage: &ValidStorage) -> Volume {
    Volume { size: storage.size.to_string(), storage_class: storage.storage_class.clone() }
}

/// Routes that send all collections one way.
pub(super) fn rest(hop: Hop) -> Routes {
    Routes { rest: Some(hop), ..Routes::default() }
}
