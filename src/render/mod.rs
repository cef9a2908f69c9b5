//! Turns a topology into the Kubernetes objects that make it run.
//!
//! Owns the name and the whole content of every object of a model, one file per kind, and knows
//! whether an object that lives in the cluster still says what was asked for. It never asks what
//! is in the cluster and never decides what is to run: pure, without client, clock, environment or
//! randomness, so the same topology always gives the same objects.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod compare;
mod component_config;
mod config_map;
mod container;
mod deployment;
mod hash;
mod metadata;
mod names;
mod pod;
mod pod_disruption_budget;
pub mod security;
mod service;
mod service_account;
mod stateful_set;
mod transport;

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
use serde::Serialize;
use serde_json::Value;

pub use compare::first_difference;

/// What is the same for every Architecture.
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

/// The objects of one Architecture, as they are to be applied. Only [`render`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered(ObjectsByKind);

impl Rendered {
    /// The objects by kind.
    pub fn objects(&self) -> &ObjectsByKind {
        &self.0
    }

    /// The objects by kind.
    pub fn into_objects(self) -> ObjectsByKind {
        self.0
    }
}

/// Objects by kind, each list ordered by name. Whoever uses them takes this apart without `..`, so
/// that the compiler finds every place that a new kind concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectsByKind {
    /// One for the whole Architecture; its pods have no token.
    pub service_accounts: Vec<ServiceAccount>,
    /// One for each component: its configuration.
    pub config_maps: Vec<ConfigMap>,
    /// Each component's, and the entry.
    pub services: Vec<Service>,
    /// Of services and the load.
    pub deployments: Vec<Deployment>,
    /// Of stores and peers.
    pub stateful_sets: Vec<StatefulSet>,
    /// Of components with several pods.
    pub pod_disruption_budgets: Vec<PodDisruptionBudget>,
}

impl ObjectsByKind {
    /// All of them as JSON, in the order in which they can be applied: what others need to start
    /// comes first.
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
    let components = || topology.components();
    Rendered(ObjectsByKind {
        service_accounts: stamped_and_sorted([service_account::build_service_account(topology)]),
        config_maps: stamped_and_sorted(
            components().map(|component| config_map::build_config_map(topology, component)),
        ),
        services: stamped_and_sorted(
            components()
                .flat_map(|component| service::build_services(topology, component))
                .chain(service::build_entry(topology)),
        ),
        deployments: stamped_and_sorted(
            components().filter_map(|component| {
                deployment::build_deployment(topology, component, settings)
            }),
        ),
        stateful_sets: stamped_and_sorted(components().filter_map(|component| {
            stateful_set::build_stateful_set(topology, component, settings)
        })),
        pod_disruption_budgets: stamped_and_sorted(components().filter_map(|component| {
            pod_disruption_budget::build_pod_disruption_budget(topology, component)
        })),
    })
}

/// Objects of one kind in the order of their names, each with the hash of what it says.
fn stamped_and_sorted<K>(objects: impl IntoIterator<Item = K>) -> Vec<K>
where
    K: Metadata<Ty = ObjectMeta> + Serialize,
{
    let mut objects: Vec<K> = objects.into_iter().collect();
    objects.iter_mut().for_each(hash::annotate_hash);
    objects.sort_by(|a, b| a.metadata().name.cmp(&b.metadata().name));
    objects
}

/// An object as JSON.
fn to_json(object: &impl Serialize) -> Value {
    #[expect(clippy::expect_used, reason = "Kubernetes' own types have strings as keys")]
    serde_json::to_value(object).expect("an object is JSON")
}
