//! A component's configuration: what its pods are told, and nothing that they have no business to know.

use super::names;
use crate::plan::{
    Behavior, Component, Identity, LoadBehavior, PeerBehavior, PlannedCall, PlannedSource,
    ServiceBehavior, Topology,
};
use maquette_contract::{
    Call, ComponentConfig, ComponentName, LoadConfig, LoadTarget, MigrationSource, PeerConfig,
    PeerMember, RoleConfig, ServiceConfig, SourceBackend, StoreConfig, StoreTarget, Successor,
};

/// The configuration of `component`.
pub(super) fn build_component_config(
    topology: &Topology,
    component: &Component,
) -> ComponentConfig {
    let identity = topology.identity();
    let role = match &component.behavior {
        Behavior::Service(task) => RoleConfig::Service(service_config(identity, task)),
        Behavior::Store(_) => RoleConfig::Store(StoreConfig {}),
        Behavior::Peer(task) => RoleConfig::Peer(peer_config(identity, component, task)),
        Behavior::Load(task) => RoleConfig::Load(load_config(topology, task)),
    };
    ComponentConfig { architecture: identity.name.clone(), component: component.name.clone(), role }
}

fn service_config(identity: &Identity, task: &ServiceBehavior) -> ServiceConfig {
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
        migration_sources: migration_sources(identity, &task.migration_sources),
    }
}

fn peer_config(identity: &Identity, component: &Component, task: &PeerBehavior) -> PeerConfig {
    let member = |ordinal| PeerMember {
        name: names::pod_name(identity, component, ordinal),
        address: names::peer_address(identity, component, ordinal),
    };
    PeerConfig {
        work: task.work.clone(),
        replication_factor: task.replication_factor,
        members: (0..task.members).map(member).collect(),
        migration_sources: migration_sources(identity, &task.migration_sources),
        successor: task.successor.as_ref().map(|component| Successor {
            component: component.clone(),
            address: names::traffic_address(identity, component),
        }),
    }
}

fn migration_sources(identity: &Identity, origins: &[PlannedSource]) -> Vec<MigrationSource> {
    let origin = |origin: &PlannedSource| MigrationSource {
        component: origin.component.clone(),
        backend: origin.backend,
        address: match origin.backend {
            SourceBackend::Store => names::store_address(identity, &origin.component),
            SourceBackend::Peers => names::traffic_address(identity, &origin.component),
        },
        collections: origin.collections.clone(),
        final_pass: origin.final_pass,
    };
    origins.iter().map(origin).collect()
}

fn load_config(topology: &Topology, task: &LoadBehavior) -> LoadConfig {
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
