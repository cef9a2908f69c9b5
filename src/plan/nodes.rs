//! The parts that shapes are made of.

use super::{Node, PlannedCall, ServiceTask, StoreTask, Task, Volume, resources};
use crate::api::{ValidNode, ValidStorage, ValidStore};
use maquette_contract::{CallMode, Hop, NodeName, Percent, Role, Routes};

/// A service that calls nobody and queries nothing yet.
pub(super) fn service(name: NodeName, node: &ValidNode, routes: Routes) -> Node {
    let task = ServiceTask {
        work: node.work.clone(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: None,
        routes,
        origins: vec![],
    };
    Node {
        name,
        replicas: node.replicas,
        resources: resources::of(Role::Service, &node.resources),
        task: Task::Service(task),
    }
}

/// A service that queries `store` for every kind.
pub(super) fn smart(name: NodeName, node: &ValidNode, store: NodeName) -> Node {
    with(service(name, node, rest(Hop::Own)), |task| task.store = Some(store))
}

/// A service that leaves all kinds to `to`.
pub(super) fn thin(name: NodeName, node: &ValidNode, to: NodeName, routes: Routes) -> Node {
    let call = PlannedCall { to, probability_percent: Percent::ALWAYS };
    with(service(name, node, routes), |task| task.calls.push(call))
}

/// The service `node`, changed.
pub(super) fn with(mut node: Node, change: impl FnOnce(&mut ServiceTask)) -> Node {
    if let Task::Service(task) = &mut node.task {
        change(task);
    }
    node
}

/// A store.
pub(super) fn store(name: NodeName, store: &ValidStore) -> Node {
    Node {
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

/// Routes that send all kinds one way.
pub(super) fn rest(hop: Hop) -> Routes {
    Routes { rest: Some(hop), ..Routes::default() }
}
