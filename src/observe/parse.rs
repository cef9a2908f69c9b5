//! Reads a component back from its configuration and its workload: the opposite of `render`.

use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedCall, PlannedSource, ServiceBehavior,
    StoreBehavior, Volume,
};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{PersistentVolumeClaim, Pod, PodSpec, ResourceRequirements},
};
use maquette_contract::{
    ComponentConfig, LoadConfig, MigrationSource, PeerConfig, RoleConfig, ServiceConfig,
    keys::CLAIM,
};

/// What a component's Deployment or StatefulSet says that its configuration does not.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkloadSpec {
    pub(super) replicas: u32,
    pub(super) resources: ResourceRequirements,
    pub(super) storage: Option<Volume>,
}

impl WorkloadSpec {
    pub(super) fn from_deployment(deployment: &Deployment) -> Option<Self> {
        let spec = deployment.spec.as_ref()?;
        let resources = container_resources(spec.template.spec.as_ref()?);
        Some(Self { replicas: replica_count(spec.replicas), resources, storage: None })
    }

    pub(super) fn from_stateful_set(set: &StatefulSet) -> Option<Self> {
        let spec = set.spec.as_ref()?;
        let resources = container_resources(spec.template.spec.as_ref()?);
        let claims = spec.volume_claim_templates.as_deref().unwrap_or_default();
        let claim = claims.iter().find(|claim| claim.metadata.name.as_deref() == Some(CLAIM));
        let storage = claim.and_then(claimed_volume);
        Some(Self { replicas: replica_count(spec.replicas), resources, storage })
    }

    /// As the pods say that a StatefulSet left behind, and their volume's claim.
    pub(super) fn from_orphans(pods: &[&Pod], claim: &PersistentVolumeClaim) -> Option<Self> {
        let replicas = pods.iter().filter_map(|pod| pod_ordinal(pod)).max()? + 1;
        let resources = pods.iter().find_map(|pod| pod.spec.as_ref()).map(container_resources);
        Some(Self {
            replicas,
            resources: resources.unwrap_or_default(),
            storage: Some(claimed_volume(claim)?),
        })
    }
}

/// The number of a StatefulSet's pod.
fn pod_ordinal(pod: &Pod) -> Option<u32> {
    pod.metadata.name.as_ref()?.rsplit_once('-')?.1.parse().ok()
}

fn replica_count(replicas: Option<i32>) -> u32 {
    replicas.and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
}

fn container_resources(pod: &PodSpec) -> ResourceRequirements {
    pod.containers.first().and_then(|c| c.resources.clone()).unwrap_or_default()
}

fn claimed_volume(claim: &PersistentVolumeClaim) -> Option<Volume> {
    let spec = claim.spec.as_ref()?;
    let size = spec.resources.as_ref()?.requests.as_ref()?.get("storage")?;
    Some(Volume { size: size.0.clone(), storage_class: spec.storage_class_name.clone() })
}

/// The component that `config` and `shell` make; none if a volume is missing that its role needs.
pub(super) fn parse_component(config: &ComponentConfig, shell: &WorkloadSpec) -> Option<Component> {
    let task = match &config.role {
        RoleConfig::Service(service) => Behavior::Service(service_behavior(service)),
        RoleConfig::Store(_) => Behavior::Store(StoreBehavior { storage: shell.storage.clone()? }),
        RoleConfig::Peer(peer) => Behavior::Peer(peer_behavior(peer, shell.storage.clone()?)),
        RoleConfig::Load(load) => Behavior::Load(load_behavior(load)),
    };
    Some(Component {
        name: config.component.clone(),
        replicas: shell.replicas,
        resources: shell.resources.clone(),
        behavior: task,
    })
}

fn service_behavior(service: &ServiceConfig) -> ServiceBehavior {
    let call = |call: &maquette_contract::Call| PlannedCall {
        to: call.component.clone(),
        probability_percent: call.probability_percent,
    };
    ServiceBehavior {
        work: service.work.clone(),
        mode: service.mode,
        calls: service.calls.iter().map(call).collect(),
        store: service.store.as_ref().map(|store| store.component.clone()),
        routes: service.routes.clone(),
        migration_sources: planned_sources(&service.migration_sources),
    }
}

fn planned_sources(origins: &[MigrationSource]) -> Vec<PlannedSource> {
    let origin = |origin: &MigrationSource| PlannedSource {
        component: origin.component.clone(),
        backend: origin.backend,
        collections: origin.collections.clone(),
        final_pass: origin.final_pass,
    };
    origins.iter().map(origin).collect()
}

fn peer_behavior(peer: &PeerConfig, storage: Volume) -> PeerBehavior {
    PeerBehavior {
        work: peer.work.clone(),
        replication_factor: peer.replication_factor,
        members: u32::try_from(peer.members.len()).unwrap_or(u32::MAX),
        storage,
        migration_sources: planned_sources(&peer.migration_sources),
        successor: peer.successor.as_ref().map(|successor| successor.component.clone()),
    }
}

fn load_behavior(load: &LoadConfig) -> LoadBehavior {
    LoadBehavior {
        drives: load.targets.iter().map(|target| target.component.clone()).collect(),
        requests_per_second: load.requests_per_second,
        write_percent: load.write_percent,
        summary_percent: load.summary_percent,
        items: load.items,
        collections: load.collections.clone(),
    }
}
