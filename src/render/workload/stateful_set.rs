//! StatefulSets: of stores and peers, each pod with a volume that outlives it.

use super::replica_count;
use crate::{
    plan::{Behavior, Component, Topology, Volume},
    render::{RenderSettings, hash, metadata, names, pod::pod_template},
};
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
pub(in crate::render) fn build_stateful_set(
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
        replicas: Some(replica_count(component)),
        selector: metadata::label_selector(identity, component),
        service_name: Some(names::headless_service(identity, component)),
        // `OrderedReady` never gets past a pod whose image cannot be pulled.
        pod_management_policy: Some("Parallel".to_owned()),
        update_strategy: Some(rolling_update()),
        persistent_volume_claim_retention_policy: Some(retain_claims()),
        template: pod_template(topology, component, settings),
        volume_claim_templates: Some(vec![claim_template(topology, component, storage)]),
        ..StatefulSetSpec::default()
    };
    let mut metadata = metadata::component_metadata(
        topology,
        component,
        names::for_component(identity, &component.name),
    );
    hash::annotate_template_hash(&mut metadata, &spec.template);
    if let Behavior::Peer(peer) = &component.behavior
        && peer.members_changed
    {
        let changed = (keys::ANNOTATION_MEMBERS_CHANGED.to_owned(), "true".to_owned());
        metadata.annotations.get_or_insert_default().extend([changed]);
    }
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

fn retain_claims() -> StatefulSetPersistentVolumeClaimRetentionPolicy {
    // The operator deletes volumes by `spec.retention`; the StatefulSet controller deletes none.
    StatefulSetPersistentVolumeClaimRetentionPolicy {
        when_deleted: Some("Retain".to_owned()),
        when_scaled: Some("Retain".to_owned()),
    }
}

/// The claim of each pod. Its labels name the Architecture and the component, so that it is found
/// after the StatefulSet is deleted.
fn claim_template(
    topology: &Topology,
    component: &Component,
    storage: &Volume,
) -> PersistentVolumeClaim {
    let request = ("storage".to_owned(), Quantity(storage.size.clone()));
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(keys::CLAIM.to_owned()),
            // Without the users' labels: a claim template is immutable.
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
