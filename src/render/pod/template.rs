//! Pod templates, the same for Deployments and StatefulSets.

use super::{container::workload_container, security, volumes};
use crate::{
    api::{self, PodSettings},
    plan::{Component, Topology},
    render::{RenderSettings, metadata, names},
};
use k8s_openapi::{
    api::core::v1::{
        LocalObjectReference, PodSpec, PodTemplateSpec, Toleration, TopologySpreadConstraint,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

/// How long a pod may take to finish its requests after it is asked to stop, in seconds.
const GRACE_SECONDS: i64 = 30;

/// The template of the pods of `component`.
pub(in crate::render) fn pod_template(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> PodTemplateSpec {
    let pods = topology.pods();
    let mut labels = pods.labels.clone();
    // Ours win: selectors depend on them.
    labels.extend(metadata::component_labels(topology.identity(), component));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: non_empty(pods.annotations.clone()),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(topology, component, settings)),
    }
}

fn pod_spec(topology: &Topology, component: &Component, settings: &RenderSettings) -> PodSpec {
    let identity = topology.identity();
    let config_map = names::for_component(identity, &component.name);
    let PodSettings { node_selector, tolerations, image_pull_secrets, .. } = topology.pods();
    let secrets =
        image_pull_secrets.iter().map(|secret| LocalObjectReference { name: secret.name.clone() });
    PodSpec {
        service_account_name: Some(names::for_architecture(identity)),
        automount_service_account_token: Some(false),
        // Addresses come from the configuration. Service links would add variables for every
        // Service of the namespace.
        enable_service_links: Some(false),
        security_context: Some(security::pod_context(volumes::has_data_volume(component.role()))),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        node_selector: non_empty(node_selector.clone()),
        tolerations: non_empty(tolerations.iter().map(to_toleration).collect::<Vec<_>>()),
        image_pull_secrets: non_empty(secrets.collect::<Vec<_>>()),
        topology_spread_constraints: Some(vec![spread_constraint(topology, component)]),
        containers: vec![workload_container(topology, component, settings)],
        volumes: Some(vec![volumes::config_volume(config_map)]),
        ..PodSpec::default()
    }
}

/// Spreads the pods of a component over the nodes of the cluster, where there are several.
fn spread_constraint(topology: &Topology, component: &Component) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(metadata::label_selector(topology.identity(), component)),
        ..TopologySpreadConstraint::default()
    }
}

fn to_toleration(given: &api::Toleration) -> Toleration {
    let toleration = Toleration::from(given);
    // The API server does not return an empty value.
    Toleration { value: toleration.value.filter(|value| !value.is_empty()), ..toleration }
}

/// None if it is empty: the API server does not keep empty lists and maps.
fn non_empty<T>(collection: T) -> Option<T>
where
    for<'a> &'a T: IntoIterator,
{
    let has_entries = (&collection).into_iter().next().is_some();
    has_entries.then_some(collection)
}
