//! Pod templates, the same for Deployments and StatefulSets.
//!
//! A template holds nothing of a component's configuration: only the image, resources, volumes and pod
//! settings restart a pod.

use super::{RenderSettings, container, metadata, names, security};
use crate::{
    api::{self, ImagePullSecret, PodSettings},
    plan::{Component, Topology},
};
use k8s_openapi::{
    api::core::v1::{
        ConfigMapVolumeSource, LocalObjectReference, PodSpec, PodTemplateSpec, Toleration,
        TopologySpreadConstraint, Volume,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::Role;

/// How long a pod may take to finish what is under way, in seconds.
const GRACE_SECONDS: i64 = 30;

/// The replicas of `component` as Kubernetes counts them.
pub(super) fn replica_count(component: &Component) -> i32 {
    i32::try_from(component.replicas).unwrap_or(i32::MAX)
}

/// Whether pods of this role have a volume.
pub(super) fn has_volume(role: Role) -> bool {
    match role {
        Role::Store | Role::Peer => true,
        Role::Service | Role::Load => false,
    }
}

/// What the pods of `component` are.
pub(super) fn pod_template(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> PodTemplateSpec {
    let PodSettings { labels, annotations, .. } = topology.pods();
    let mut labels = labels.clone();
    // Ours win: selectors depend on them.
    labels.extend(metadata::component_labels(topology.identity(), component));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: non_empty(annotations.clone()),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(topology, component, settings)),
    }
}

fn pod_spec(topology: &Topology, component: &Component, settings: &RenderSettings) -> PodSpec {
    let identity = topology.identity();
    let PodSettings { node_selector, tolerations, image_pull_secrets, .. } = topology.pods();
    let secret = |secret: &ImagePullSecret| LocalObjectReference { name: secret.name.clone() };
    PodSpec {
        service_account_name: Some(names::for_architecture(identity)),
        automount_service_account_token: Some(false),
        // Addresses come from the configuration; these would only grow with the namespace.
        enable_service_links: Some(false),
        security_context: Some(security::pod_context(has_volume(component.role()))),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        node_selector: non_empty(node_selector.clone()),
        tolerations: non_empty(tolerations.iter().map(to_toleration).collect::<Vec<_>>()),
        image_pull_secrets: non_empty(image_pull_secrets.iter().map(secret).collect::<Vec<_>>()),
        topology_spread_constraints: Some(vec![spread_constraint(topology, component)]),
        containers: vec![container::workload_container(topology, component, settings)],
        volumes: Some(vec![config_volume(names::for_component(identity, &component.name))]),
        ..PodSpec::default()
    }
}

/// The pods of a component go to different machines where there are some.
fn spread_constraint(topology: &Topology, component: &Component) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(metadata::label_selector(topology.identity(), component)),
        ..TopologySpreadConstraint::default()
    }
}

/// As the API server returns it: without a value that is empty.
fn to_toleration(given: &api::Toleration) -> Toleration {
    let toleration = Toleration::from(given);
    Toleration { value: toleration.value.filter(|value| !value.is_empty()), ..toleration }
}

/// Mounted as a folder: a single file would never be refreshed.
fn config_volume(config_map: String) -> Volume {
    Volume {
        name: container::CONFIG_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map,
            default_mode: Some(0o644),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Nothing rather than something empty, which the API server does not keep.
fn non_empty<T>(collection: T) -> Option<T>
where
    for<'a> &'a T: IntoIterator,
{
    let empty = (&collection).into_iter().next().is_none();
    (!empty).then_some(collection)
}
