//! A component's configuration: what its pods are told, and nothing that they have no business to know.

use super::names;
use crate::plan::{
    Component, Identity, LoadTask, PeerTask, PlannedCall, PlannedOrigin, ServiceTask, Task,
    Topology,
};
use maquette_contract::{
    Call, ComponentConfig, ComponentName, LoadConfig, LoadTarget, Origin, OriginHome, PeerConfig,
    PeerMember, RoleConfig, ServiceConfig, StoreConfig, StoreTarget, Successor,
};

/// The configuration of `component`.
pub(super) fn component_config(topology: &Topology, component: &Component) -> ComponentConfig {
    let identity = topology.identity();
    let role = match &component.task {
        Task::Service(task) => RoleConfig::Service(service(identity, task)),
        Task::Store(_) => RoleConfig::Store(StoreConfig {}),
        Task::Peer(task) => RoleConfig::Peer(peer(identity, component, task)),
        Task::Load(task) => RoleConfig::Load(load(topology, task)),
    };
    ComponentConfig { architecture: identity.name.clone(), component: component.name.clone(), role }
}

fn service(identity: &Identity, task: &ServiceTask) -> ServiceConfig {
    let call = |call: &PlannedCall| Call {
        component: call.to.clone(),
        address: names::traffic_address(identity, &call.to),
        probability_percent: call.probability_percent,
    };
    let target = |store: &ComponentName| StoreTarget {
        component: store.clone(),
        address: names::store_address(identity, store),
    };
    ServiceConfig {
        work: task.work.clone(),
        mode: task.mode,
        calls: task.calls.iter().map(call).collect(),
        store: task.store.as_ref().map(target),
        routes: task.routes.clone(),
        origins: origins(identity, &task.origins),
    }
}

fn peer(identity: &Identity, component: &Component, task: &PeerTask) -> PeerConfig {
    let member = |ordinal| PeerMember {
        name: names::pod(identity, component, ordinal),
        address: names::peer_address(identity, component, ordinal),
    };
    PeerConfig {
        work: task.work.clone(),
        replication_factor: task.replication_factor,
        members: (0..task.members).map(member).collect(),
        origins: origins(identity, &task.origins),
        successor: task.successor.as_ref().map(|component| Successor {
            component: component.clone(),
            address: names::traffic_address(identity, component),
        }),
    }
}

fn origins(identity: &Identity, origins: &[PlannedOrigin]) -> Vec<Origin> {
    let origin = |origin: &PlannedOrigin| Origin {
        component: origin.component.clone(),
        home: origin.home,
        address: match origin.home {
            OriginHome::Store => names::store_address(identity, &origin.component),
            OriginHome::Peers => names::traffic_address(identity, &origin.component),
        },
        collections: origin.collections.clone(),
        last: origin.last,
    };
    origins.iter().map(origin).collect()
}

fn load(topology: &Topology, task: &LoadTask) -> LoadConfig {
    let target = |component: &ComponentName| LoadTarget {
        component: component.clone(),
        address: names::user_address(topology, component),
    };
    LoadConfig {
        targets: task.drives.iter().map(target).collect(),
        requests_per_second: task.requests_per_second,
        write_percent: task.write_percent,
        summary_percent: task.summary_percent,
        items: task.items,
        collections: task.collections.clone(),
    }
}
