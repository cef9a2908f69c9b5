//! The Deployment of the operator, and the Service of its metrics.

use super::{NAME, common_labels, namespaced_meta, pod_selector};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec},
        core::v1::{
            Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, ObjectFieldSelector,
            PodSpec, PodTemplateSpec, Probe, ResourceRequirements, Service, ServicePort,
            ServiceSpec,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use maquette::render::security;
use maquette_contract::{keys, ports::ADMIN};
use std::collections::BTreeMap;

pub(super) fn deployment() -> Deployment {
    let selector = LabelSelector { match_labels: Some(pod_selector()), match_expressions: None };
    let spec = DeploymentSpec {
        replicas: Some(1),
        selector,
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(common_labels()), ..ObjectMeta::default() }),
            spec: Some(pod_spec()),
        },
        ..DeploymentSpec::default()
    };
    Deployment { metadata: namespaced_meta(NAME), spec: Some(spec), status: None }
}

fn pod_spec() -> PodSpec {
    PodSpec {
        service_account_name: Some(NAME.to_owned()),
        enable_service_links: Some(false),
        security_context: Some(security::pod_context(false)),
        termination_grace_period_seconds: Some(30),
        containers: vec![container()],
        ..PodSpec::default()
    }
}

fn container() -> Container {
    Container {
        name: "operator".to_owned(),
        image: Some(
            concat!("ghcr.io/maquette-dev/maquette:", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(vec!["operator".to_owned()]),
        env: Some(vec![
            EnvVar {
                name: "MAQUETTE_LOG_FORMAT".to_owned(),
                value: Some("json".to_owned()),
                value_from: None,
            },
            env_from_field(keys::ENV_POD_NAME, "metadata.name"),
        ]),
        ports: Some(vec![ContainerPort {
            name: Some(ADMIN.name.to_owned()),
            container_port: i32::from(ADMIN.number),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        resources: Some(container_resources()),
        security_context: Some(security::container_context()),
        liveness_probe: Some(http_probe("/livez", 10)),
        readiness_probe: Some(http_probe("/readyz", 5)),
        ..Container::default()
    }
}

fn env_from_field(name: &str, path: &str) -> EnvVar {
    let field = ObjectFieldSelector { api_version: None, field_path: path.to_owned() };
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
    }
}

fn container_resources() -> ResourceRequirements {
    // Enough for hundreds of Architectures. No CPU limit: it would only throttle bursts.
    ResourceRequirements {
        requests: Some(quantities([("cpu", "50m"), ("memory", "64Mi")])),
        limits: Some(quantities([("memory", "256Mi")])),
        claims: None,
    }
}

fn quantities<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, Quantity> {
    pairs.map(|(name, text)| (name.to_owned(), Quantity(text.to_owned()))).into()
}

fn http_probe(path: &str, period: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN.name.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

pub(super) fn metrics_service() -> Service {
    let port = ServicePort {
        name: Some("metrics".to_owned()),
        port: i32::from(ADMIN.number),
        target_port: Some(IntOrString::String(ADMIN.name.to_owned())),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    let spec = ServiceSpec {
        selector: Some(pod_selector()),
        ports: Some(vec![port]),
        ..ServiceSpec::default()
    };
    Service { metadata: namespaced_meta("maquette-metrics"), spec: Some(spec), status: None }
}
