//! A component's configuration: what its pods need for their edges, and nothing else of the model.

use super::names;
use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedSource, ServiceBehavior, Topology,
};
use maquette_contract::{
    Address, Call, ComponentConfig, LoadConfig, LoadTarget, MigrationSource, PeerConfig,
    PeerMember, RoleConfig, ServiceConfig, SourceBackend, StoreConfig, StoreTarget, Successor,
};

/// The configuration of `component`.
pub(super) fn build_component_config(
    topology: &Topology,
    component: &Component,
) -> ComponentConfig {
    let identity = topology.identity();
    let role = match &component.behavior {
        Behavior::Service(behavior) => RoleConfig::Service(service_config(topology, behavior)),
        Behavior::Store(_) => RoleConfig::Store(StoreConfig {}),
        Behavior::Peer(behavior) => RoleConfig::Peer(peer_config(topology, component, behavior)),
        Behavior::Load(behavior) => RoleConfig::Load(load_config(topology, behavior)),
    };
    ComponentConfig {
        architecture: identity.name.clone(),
        // Empty without a cluster.
        architecture_uid: identity.uid.parse().ok(),
        component: component.name.clone(),
        role,
    }
}

fn service_config(topology: &Topology, behavior: &ServiceBehavior) -> ServiceConfig {
    let identity = topology.identity();
    let calls = behavior.calls.iter().map(|call| Call {
        component: call.to.clone(),
        address: names::traffic_address(identity, &call.to),
        probability_percent: call.probability_percent,
    });
    let store = behavior.store.as_ref().map(|store| StoreTarget {
        component: store.clone(),
        address: names::store_address(identity, store),
    });
    ServiceConfig {
        work: behavior.work.clone(),
        mode: behavior.mode,
        calls: calls.collect(),
        store,
        routes: behavior.routes.clone(),
        migration_sources: migration_sources(topology, &behavior.migration_sources),
    }
}

fn peer_config(topology: &Topology, component: &Component, behavior: &PeerBehavior) -> PeerConfig {
    let identity = topology.identity();
    let members = (0..behavior.members).map(|ordinal| PeerMember {
        name: names::pod_name(identity, component, ordinal),
        address: names::peer_address(identity, component, ordinal),
    });
    PeerConfig {
        work: behavior.work.clone(),
        replication_factor: behavior.replication_factor,
        members: members.collect(),
        members_changed: behavior.members_changed,
        migration_sources: migration_sources(topology, &behavior.migration_sources),
        successor: behavior.successor.as_ref().map(|component| Successor {
            component: component.clone(),
            address: names::traffic_address(identity, component),
        }),
    }
}

fn migration_sources(topology: &Topology, planned: &[PlannedSource]) -> Vec<MigrationSource> {
    let sources = planned.iter().map(|source| MigrationSource {
        component: source.component.clone(),
        backend: source.backend,
        address: source_address(topology, source),
        collections: source.collections.clone(),
        final_pass: source.final_pass,
    });
    sources.collect()
}

/// The address at which the pods of a migration source serve their items. A change that is in
/// progress ends before its pods are replaced: until then they may be of an earlier version.
fn source_address(topology: &Topology, source: &PlannedSource) -> Address {
    let (identity, name) = (topology.identity(), &source.component);
    let behavior = topology.component(name).map(|component| &component.behavior);
    match (source.backend, behavior) {
        (SourceBackend::Store, _) => names::store_address(identity, name),
        (SourceBackend::Peers, Some(Behavior::Peer(peer))) if !peer.has_internal_port => {
            names::traffic_address(identity, name)
        }
        (SourceBackend::Peers, _) => names::internal_address(identity, name),
    }
}

fn load_config(topology: &Topology, behavior: &LoadBehavior) -> LoadConfig {
    let targets = behavior.drives.iter().map(|component| LoadTarget {
        component: component.clone(),
        address: names::user_address(topology, component),
        entry: component == topology.entry(),
    });
    LoadConfig {
        targets: targets.collect(),
        requests_per_second: behavior.requests_per_second,
        arrivals: behavior.arrivals,
        ramp: behavior.ramp,
        closed_loop: behavior.closed_loop,
        write_percent: behavior.write_percent,
        summary_percent: behavior.summary_percent,
        items: behavior.items,
        collections: behavior.collections.clone(),
    }
}
