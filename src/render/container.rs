//! The one container of a pod: the workload.

use super::{
    RenderSettings, pod, security,
    transport::{self, Transport},
};
use crate::{
    api::ImagePullPolicy,
    plan::{Component, Topology},
};
use k8s_openapi::{
    api::core::v1::{
        Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, ObjectFieldSelector, Probe,
        VolumeMount,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::{Role, keys, ports};

/// The name of the volume with the configuration.
pub(super) const CONFIG_VOLUME: &str = "config";

/// The container of the pods of `component`.
pub(super) fn workload_container(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> Container {
    let image = topology.pods().image.as_ref().unwrap_or(&settings.image);
    let pull = topology.pods().image_pull_policy.unwrap_or(ImagePullPolicy::IfNotPresent);
    let volume = pod::has_volume(component.role());
    Container {
        name: "workload".to_owned(),
        image: Some(image.clone()),
        image_pull_policy: Some(pull.as_str().to_owned()),
        args: Some(container_args(volume)),
        env: Some(vec![pod_name_env()]),
        ports: Some(container_ports(component.role())),
        resources: Some(component.resources.clone()),
        security_context: Some(security::container_context()),
        volume_mounts: Some(volume_mounts(volume)),
        startup_probe: volume.then(startup_probe),
        liveness_probe: Some(liveness_probe()),
        readiness_probe: Some(readiness_probe()),
        ..Container::default()
    }
}

fn container_args(volume: bool) -> Vec<String> {
    let config = format!("{}/{}", keys::CONFIG_DIR, keys::CONFIG_FILE);
    let mut args = vec!["--config".to_owned(), config];
    if volume {
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
    let port = |transport: &Transport| ContainerPort {
        name: Some(transport.port.name.to_owned()),
        container_port: i32::from(transport.port.number),
        protocol: Some(transport.protocol.to_owned()),
        ..ContainerPort::default()
    };
    transport::published_transports(role).iter().chain([&transport::ADMIN]).map(port).collect()
}

fn volume_mounts(volume: bool) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only,
        ..VolumeMount::default()
    };
    let mut mounts = vec![mount(CONFIG_VOLUME, keys::CONFIG_DIR, Some(true))];
    if volume {
        mounts.push(mount(keys::CLAIM, keys::DATA_DIR, None));
    }
    mounts
}

/// A process that has not answered for half a minute is started again.
fn liveness_probe() -> Probe {
    Probe { period_seconds: Some(10), timeout_seconds: Some(5), ..http_probe("/livez", 3) }
}

/// A pod gets requests soon after it can serve them, and none soon after it cannot.
fn readiness_probe() -> Probe {
    Probe { period_seconds: Some(2), timeout_seconds: Some(2), ..http_probe("/readyz", 2) }
}

/// Opening a large volume after a crash may take minutes, which is no reason to start again.
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
