//! StatefulSets: stores and peers, each pod with a volume that outlives it.

use super::{RenderSettings, metadata, names, pod};
use crate::plan::{Behavior, Component, Topology, Volume};
use k8s_openapi::{
    api::{
        apps::v1::{
            RollingUpdateStatefulSetStrategy, StatefulSet,
            StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements},
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use maquette_contract::keys;

/// The StatefulSet of `component`; none for components without volumes.
pub(super) fn build_stateful_set(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> Option<StatefulSet> {
    let storage = match &component.behavior {
        Behavior::Store(store) => &store.storage,
        Behavior::Peer(peer) => &peer.storage,
        Behavior::Service(_) | Behavior::Load(_) => return None,
    };
    let identity = topology.identity();
    let spec = StatefulSetSpec {
        replicas: Some(pod::replica_count(component)),
        selector: metadata::label_selector(identity, component),
        service_name: Some(names::headless_service(identity, component)),
        // An ordered one waits for ever behind a pod whose image is bad.
        pod_management_policy: Some("Parallel".to_owned()),
        update_strategy: Some(rolling_update()),
        persistent_volume_claim_retention_policy: Some(retain_claims()),
        template: pod::pod_template(topology, component, settings),
        volume_claim_templates: Some(vec![claim_template(topology, component, storage)]),
        ..StatefulSetSpec::default()
    };
    let metadata = metadata::component_metadata(
        topology,
        component,
        names::for_component(identity, &component.name),
    );
    Some(StatefulSet { metadata, spec: Some(spec), status: None })
}

fn rolling_update() -> StatefulSetUpdateStrategy {
    StatefulSetUpdateStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateStatefulSetStrategy {
            partition: Some(0),
            max_unavailable: None,
        }),
    }
}

/// What becomes of a volume is the operator's business, never the StatefulSet controller's.
fn retain_claims() -> StatefulSetPersistentVolumeClaimRetentionPolicy {
    StatefulSetPersistentVolumeClaimRetentionPolicy {
        when_deleted: Some("Retain".to_owned()),
        when_scaled: Some("Retain".to_owned()),
    }
}

/// The claim of each pod, labelled so that its Architecture and component are known without the
/// StatefulSet. Nothing of it can be changed later, so users' labels are left out.
fn claim_template(
    topology: &Topology,
    component: &Component,
    storage: &Volume,
) -> PersistentVolumeClaim {
    let request = ("storage".to_owned(), Quantity(storage.size.clone()));
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(keys::CLAIM.to_owned()),
            labels: Some(metadata::component_labels(topology.identity(), component)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([request].into()),
                limits: None,
            }),
            storage_class_name: storage.storage_class.clone(),
            volume_mode: Some("Filesystem".to_owned()),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
