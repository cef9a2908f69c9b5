//! Views of rendered objects for the tests.

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec, Service};
use maquette::render::ObjectsByKind;
use maquette_contract::{ComponentConfig, keys};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) type Labels = BTreeMap<String, String>;

/// `Deployment shop-web`.
pub(crate) fn title(object: &Value) -> String {
    format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// A Deployment or StatefulSet.
pub(crate) struct PodController<'a> {
    pub(crate) name: &'a str,
    pub(crate) component: &'a str,
    pub(crate) replicas: i32,
    pub(crate) selector: &'a Labels,
    pub(crate) template: &'a PodTemplateSpec,
    /// The headless Service of a StatefulSet.
    pub(crate) headless: Option<&'a str>,
}

impl PodController<'_> {
    pub(crate) fn labels(&self) -> &Labels {
        self.template.metadata.as_ref().and_then(|meta| meta.labels.as_ref()).expect("labels")
    }

    pub(crate) fn spec(&self) -> &PodSpec {
        self.template.spec.as_ref().expect("a spec")
    }
}

pub(crate) fn workloads(objects: &ObjectsByKind) -> Vec<PodController<'_>> {
    let deployments = objects.deployments.iter().map(|object| {
        let spec = object.spec.as_ref().expect("a spec");
        workload(&object.metadata, spec.replicas, &spec.selector, &spec.template, None)
    });
    let sets = objects.stateful_sets.iter().map(|object| {
        let spec = object.spec.as_ref().expect("a spec");
        let headless = spec.service_name.as_deref();
        workload(&object.metadata, spec.replicas, &spec.selector, &spec.template, headless)
    });
    deployments.chain(sets).collect()
}

fn workload<'a>(
    metadata: &'a k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    replicas: Option<i32>,
    selector: &'a k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
    template: &'a PodTemplateSpec,
    headless: Option<&'a str>,
) -> PodController<'a> {
    PodController {
        name: metadata.name.as_deref().expect("a name"),
        component: &metadata.labels.as_ref().expect("labels")[keys::LABEL_COMPONENT],
        replicas: replicas.expect("replicas"),
        selector: selector.match_labels.as_ref().expect("a selector"),
        template,
        headless,
    }
}

/// The configuration of each component, by the component's name.
pub(crate) fn configs(objects: &ObjectsByKind) -> BTreeMap<String, ComponentConfig> {
    let configs = objects.config_maps.iter().map(|object| {
        let json = &object.data.as_ref().expect("data")[keys::CONFIG_FILE];
        let config =
            ComponentConfig::from_json(json).expect("a configuration that the workload reads");
        (config.component.to_string(), config)
    });
    configs.collect()
}

pub(crate) fn service<'a>(objects: &'a ObjectsByKind, name: &str) -> Option<&'a Service> {
    objects.services.iter().find(|service| service.metadata.name.as_deref() == Some(name))
}

/// Whether a selector selects pods with these labels.
pub(crate) fn selects(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}
