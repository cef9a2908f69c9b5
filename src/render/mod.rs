//! Turns a topology into the Kubernetes objects that make it run.
//!
//! Owns the name and the whole content of every object of a model, one file per kind, and whether
//! a live object still has the content that was applied. It never reads the cluster and never
//! decides what runs. It is pure, without client, clock, environment or randomness: the same
//! topology always gives the same objects.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod compare;
mod component_config;
mod config_map;
mod hash;
mod metadata;
mod names;
mod pod;
mod service;
mod service_account;
mod transport;
mod workload;

use crate::plan::Topology;
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::keys;
use serde::Serialize;
use serde_json::Value;

pub use compare::first_difference;
pub use pod::security;
pub use workload::{PodController, build_canary};

/// Settings of the operator: the same for every Architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderSettings {
    /// The workload's image, for pods whose Architecture names none.
    pub image: String,
}

impl Default for RenderSettings {
    fn default() -> Self {
        let image = concat!("ghcr.io/maquette-dev/maquette-workload:", env!("CARGO_PKG_VERSION"));
        Self { image: image.to_owned() }
    }
}

/// The objects of one Architecture, as they are applied. Only [`render`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered(ObjectsByKind);

impl Rendered {
    /// The objects, to read.
    pub fn objects(&self) -> &ObjectsByKind {
        &self.0
    }

    /// The objects, to change before they are applied.
    pub fn into_objects(self) -> ObjectsByKind {
        self.0
    }
}

/// Objects by kind, each list ordered by name. Destructure it without `..`: then the compiler finds
/// every place that a new kind concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectsByKind {
    /// One for the whole Architecture; its pods have no token.
    pub service_accounts: Vec<ServiceAccount>,
    /// One per component: its configuration.
    pub config_maps: Vec<ConfigMap>,
    /// The Services of the components, and the entry.
    pub services: Vec<Service>,
    /// The workloads of services and of the load.
    pub deployments: Vec<Deployment>,
    /// The workloads of stores and of the peers.
    pub stateful_sets: Vec<StatefulSet>,
    /// One for each service with several pods, and for the peers.
    pub pod_disruption_budgets: Vec<PodDisruptionBudget>,
}

impl ObjectsByKind {
    /// All objects as JSON, in the order in which they can be applied: objects that others need
    /// come first.
    pub fn to_values(&self) -> Vec<Value> {
        let Self {
            service_accounts,
            config_maps,
            services,
            deployments,
            stateful_sets,
            pod_disruption_budgets,
        } = self;
        [
            json_values(service_accounts),
            json_values(config_maps),
            json_values(services),
            json_values(deployments),
            json_values(stateful_sets),
            json_values(pod_disruption_budgets),
        ]
        .concat()
    }
}

fn json_values(objects: &[impl Serialize]) -> Vec<Value> {
    objects.iter().map(to_json).collect()
}

/// The objects that make `topology` run.
pub fn render(topology: &Topology, settings: &RenderSettings) -> Rendered {
    let components: Vec<_> = topology.components().collect();
    let services = components
        .iter()
        .flat_map(|component| service::build_services(topology, component))
        .chain(service::build_entry(topology));
    let config_maps =
        components.iter().map(|component| config_map::build_config_map(topology, component));
    let deployments = components
        .iter()
        .filter_map(|component| workload::build_deployment(topology, component, settings));
    let stateful_sets = components
        .iter()
        .filter_map(|component| workload::build_stateful_set(topology, component, settings));
    let budgets = components
        .iter()
        .filter_map(|component| workload::build_pod_disruption_budget(topology, component));
    Rendered(ObjectsByKind {
        service_accounts: stamped_and_sorted([service_account::build_service_account(topology)]),
        config_maps: stamped_and_sorted(config_maps),
        services: stamped_and_sorted(services),
        deployments: stamped_and_sorted(deployments),
        stateful_sets: stamped_and_sorted(stateful_sets),
        pod_disruption_budgets: stamped_and_sorted(budgets),
    })
}

/// Makes `workload` keep the pod template of `live`: all its other fields are applied as rendered.
/// Without another difference it has the hash of `live` and is not written.
pub fn keep_live_template<W: PodController>(workload: &mut W, live: &W) {
    let (Some(wanted), Some(template)) = (workload.template_mut(), live.template()) else { return };
    wanted.clone_from(template);
    for key in [keys::ANNOTATION_TEMPLATE_HASH, keys::ANNOTATION_APPLIED_HASH] {
        let hash = live.metadata().annotations.as_ref().and_then(|found| found.get(key)).cloned();
        let annotations = workload.metadata_mut().annotations.get_or_insert_default();
        match hash {
            Some(hash) => _ = annotations.insert(key.to_owned(), hash),
            None => _ = annotations.remove(key),
        }
    }
    if first_difference(workload, live).is_some() {
        hash::annotate_hash(workload);
    }
}

/// Objects of one kind in the order of their names, each with the hash of its content.
fn stamped_and_sorted<K>(objects: impl IntoIterator<Item = K>) -> Vec<K>
where
    K: Metadata<Ty = ObjectMeta> + Serialize,
{
    let mut objects: Vec<K> = objects.into_iter().collect();
    objects.iter_mut().for_each(hash::annotate_hash);
    objects.sort_by(|a, b| a.metadata().name.cmp(&b.metadata().name));
    objects
}

fn to_json(object: &impl Serialize) -> Value {
    #[expect(clippy::expect_used, reason = "Kubernetes' own types have strings as keys")]
    serde_json::to_value(object).expect("an object is JSON")
}
