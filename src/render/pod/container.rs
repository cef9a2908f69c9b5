//! The one container of a pod: the workload.

use super::{security, volumes};
use crate::{
    api::ImagePullPolicy,
    plan::{Component, Topology},
    render::{
        RenderSettings,
        transport::{self, Transport},
    },
};
use k8s_openapi::{
    api::core::v1::{
        Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, ObjectFieldSelector, Probe,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::{Role, keys, ports};

/// The container of the pods of `component`.
pub(super) fn workload_container(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> Container {
    let image = topology.pods().image.as_ref().unwrap_or(&settings.image);
    let pull = topology.pods().image_pull_policy.unwrap_or(ImagePullPolicy::IfNotPresent);
    let has_volume = volumes::has_data_volume(component.role());
    Container {
        name: "workload".to_owned(),
        image: Some(image.clone()),
        image_pull_policy: Some(pull.as_str().to_owned()),
        args: Some(container_args(has_volume)),
        env: Some(vec![pod_name_env()]),
        ports: Some(container_ports(component.role())),
        resources: Some(component.resources.clone()),
        security_context: Some(security::container_context()),
        volume_mounts: Some(volumes::volume_mounts(component.role())),
        startup_probe: has_volume.then(startup_probe),
        liveness_probe: Some(liveness_probe()),
        readiness_probe: Some(readiness_probe()),
        ..Container::default()
    }
}

fn container_args(has_volume: bool) -> Vec<String> {
    let config = format!("{}/{}", keys::CONFIG_DIR, keys::CONFIG_FILE);
    let mut args = vec!["--config".to_owned(), config];
    if has_volume {
        args.extend(["--data".to_owned(), keys::DATA_DIR.to_owned()]);
    }
    args
}

fn pod_name_env() -> EnvVar {
    let field = ObjectFieldSelector {
        api_version: Some("v1".to_owned()),
        field_path: "metadata.name".to_owned(),
    };
    EnvVar {
        name: keys::ENV_POD_NAME.to_owned(),
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}

fn container_ports(role: Role) -> Vec<ContainerPort> {
    let published = transport::published_transports(role).iter();
    published.chain([&transport::ADMIN]).map(container_port).collect()
}

fn container_port(transport: &Transport) -> ContainerPort {
    ContainerPort {
        name: Some(transport.port.name.to_owned()),
        container_port: i32::from(transport.port.number),
        protocol: Some(transport.protocol.to_owned()),
        ..ContainerPort::default()
    }
}

/// Restarts a process that has not answered for 30 s.
fn liveness_probe() -> Probe {
    Probe { period_seconds: Some(10), timeout_seconds: Some(5), ..http_probe("/livez", 3) }
}

/// Adds a pod to its Services within 2 s of its being ready, and removes it within 4 s.
fn readiness_probe() -> Probe {
    Probe { period_seconds: Some(2), timeout_seconds: Some(2), ..http_probe("/readyz", 2) }
}

/// Allows 10 minutes to open a large volume after a crash before the liveness probe counts.
fn startup_probe() -> Probe {
    Probe { period_seconds: Some(1), timeout_seconds: Some(2), ..http_probe("/livez", 600) }
}

fn http_probe(path: &str, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ports::ADMIN.name.to_owned()),
            scheme: Some("HTTP".to_owned()),
            ..HTTPGetAction::default()
        }),
        failure_threshold: Some(failures),
        success_threshold: Some(1),
        ..Probe::default()
    }
}
