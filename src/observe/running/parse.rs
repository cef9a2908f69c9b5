//! Makes a component from its configuration and its workload's specification.

use super::workload::WorkloadSpec;
use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedCall, PlannedSource, ServiceBehavior,
    StoreBehavior,
};
use maquette_contract::{
    ComponentConfig, LoadConfig, MigrationSource, PeerConfig, RoleConfig, ServiceConfig,
};

/// The component that `config` and `spec` describe; none if its role needs a volume and `spec` has
/// none.
pub(super) fn parse_component(config: &ComponentConfig, spec: &WorkloadSpec) -> Option<Component> {
    let behavior = match &config.role {
        RoleConfig::Service(service) => Behavior::Service(service_behavior(service)),
        RoleConfig::Store(_) => Behavior::Store(StoreBehavior { storage: spec.storage.clone()? }),
        RoleConfig::Peer(peer) => Behavior::Peer(peer_behavior(peer, spec)?),
        RoleConfig::Load(load) => Behavior::Load(load_behavior(load)),
    };
    Some(Component {
        name: config.component.clone(),
        replicas: spec.replicas,
        resources: spec.resources.clone(),
        behavior,
    })
}

fn service_behavior(service: &ServiceConfig) -> ServiceBehavior {
    let calls = service.calls.iter().map(|call| PlannedCall {
        to: call.component.clone(),
        probability_percent: call.probability_percent,
    });
    ServiceBehavior {
        work: service.work.clone(),
        mode: service.mode,
        calls: calls.collect(),
        store: service.store.as_ref().map(|store| store.component.clone()),
        routes: service.routes.clone(),
        migration_sources: planned_sources(&service.migration_sources),
    }
}

fn planned_sources(sources: &[MigrationSource]) -> Vec<PlannedSource> {
    let planned = sources.iter().map(|source| PlannedSource {
        component: source.component.clone(),
        backend: source.backend,
        collections: source.collections.clone(),
        final_pass: source.final_pass,
    });
    planned.collect()
}

fn peer_behavior(peer: &PeerConfig, spec: &WorkloadSpec) -> Option<PeerBehavior> {
    Some(PeerBehavior {
        work: peer.work.clone(),
        replication_factor: peer.replication_factor,
        members: u32::try_from(peer.members.len()).unwrap_or(u32::MAX),
        members_changed: peer.members_changed,
        has_internal_port: spec.has_internal_port,
        storage: spec.storage.clone()?,
        migration_sources: planned_sources(&peer.migration_sources),
        successor: peer.successor.as_ref().map(|successor| successor.component.clone()),
    })
}

fn load_behavior(load: &LoadConfig) -> LoadBehavior {
    LoadBehavior {
        drives: load.targets.iter().map(|target| target.component.clone()).collect(),
        requests_per_second: load.requests_per_second,
        arrivals: load.arrivals,
        ramp: load.ramp,
        closed_loop: load.closed_loop,
        write_percent: load.write_percent,
        summary_percent: load.summary_percent,
        items: load.items,
        collections: load.collections.clone(),
    }
}
