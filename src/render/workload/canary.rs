//! The canary: a pod with the settings of a workload's pods that ends at once. It proves that such
//! pods are admitted, scheduled and started before the workload's own pods are replaced.

use crate::{
    plan::Topology,
    render::{metadata, workload::PodController},
};
use k8s_openapi::{
    api::core::v1::{Container, EmptyDirVolumeSource, Pod, PodSpec, Volume},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::keys;

/// The canary of the rendered `workload`, one of `topology`; none without a template.
///
/// It has the template's image, resources, Secrets, node selector, tolerations, labels and
/// annotations, and the volumes without the claim: a volume cannot be mounted twice.
pub fn build_canary(topology: &Topology, workload: &impl PodController) -> Option<Pod> {
    let template = workload.template()?;
    let of = workload.metadata();
    let name = format!("{}{}", of.name.as_deref()?, keys::CANARY_SUFFIX);
    let given = template.metadata.as_ref();
    // No selector of a Service, a workload or a budget matches them: those name a component.
    let mut labels = topology.pods().labels.clone();
    labels.extend(metadata::architecture_labels(topology.identity()));
    let mut annotations =
        given.and_then(|metadata| metadata.annotations.clone()).unwrap_or_default();
    let hash = of.annotations.as_ref()?.get(keys::ANNOTATION_TEMPLATE_HASH)?;
    annotations.insert(keys::ANNOTATION_TEMPLATE_HASH.to_owned(), hash.clone());
    let metadata = ObjectMeta {
        labels: Some(labels),
        annotations: Some(annotations),
        ..metadata::architecture_metadata(topology, name)
    };
    Some(Pod { metadata, spec: template.spec.as_ref().map(canary_spec), status: None })
}

fn canary_spec(spec: &PodSpec) -> PodSpec {
    let mut volumes = spec.volumes.clone().unwrap_or_default();
    let mounts = spec.containers.iter().flat_map(|container| container.volume_mounts.iter());
    if mounts.flatten().any(|mount| mount.name == keys::CLAIM) {
        volumes.push(Volume {
            name: keys::CLAIM.to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        });
    }
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(0),
        containers: spec.containers.iter().map(canary_container).collect(),
        volumes: Some(volumes),
        ..spec.clone()
    }
}

/// The container prints the workload's version and ends: no port is open, no probe is made.
fn canary_container(container: &Container) -> Container {
    Container {
        args: Some(vec!["--version".to_owned()]),
        ports: None,
        startup_probe: None,
        liveness_probe: None,
        readiness_probe: None,
        ..container.clone()
    }
}
