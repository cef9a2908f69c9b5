//! The n-tier shape: services that call each other, each with its own collections and store.
//!
//! Owns the settings of services and the rules among them, twice: in CEL (`rules`) and in Rust
//! (`check`). It never decides a route: that is `plan`'s.

mod check;
mod rules;
mod valid;

use maquette_contract as contract;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::fields::{ComponentSettings, Resources, Storage};
use crate::api::validation::{component_name, schema_rules};

pub(crate) use valid::{Ownership, ValidNTier, ValidService};

/// In `owns`: every collection that no other service owns.
const WILDCARD: &str = "*";

/// Services that call each other. Each service owns collections and has its own store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([
    rules::unknown_entry(),
])))]
pub struct NTier {
    /// The client tier, which is the entry: it stores nothing and calls the service `entry`. Its
    /// component is named `client`.
    #[serde(default)]
    pub client: ComponentSettings,
    /// The name of the service that the client calls. If it is not set, the only service that no
    /// other service calls; a stateless service without calls does not count beside another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 24))]
    pub entry: Option<String>,
    /// The services, in any order. Their calls must not form a cycle. If they are not set: a
    /// stateless storefront that calls orders and catalog; orders owns the collection `orders`,
    /// catalog all other collections.
    #[serde(default = "default_services")]
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = schema_rules([
            rules::unknown_call(),
            rules::all_stateless(),
            rules::shared_store(),
            rules::contested_collection(),
            rules::store_is_service(),
        ]),
    ))]
    pub services: Vec<Service>,
}

/// A service: its calls, its collections and its store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([
    rules::self_call(),
    rules::stateless_with_store(),
    rules::stateless_with_owns(),
])))]
pub struct Service {
    /// The name of the service and of its component: lower-case letters, digits and `-`.
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-validations" =
        schema_rules([component_name::syntax_rule(), rules::reserved_service_name()])))]
    pub name: String,
    /// True: the service owns no collection and has no store.
    #[serde(default)]
    pub stateless: bool,
    /// How a summary request makes the calls: one after another (`Sequential`) or all at once
    /// (`Parallel`).
    #[serde(default)]
    pub mode: CallMode,
    /// The services that this service may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 23))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["service"]))]
    pub calls: Vec<Call>,
    /// The collections that this service owns; `*` means every collection that no other service
    /// owns. If it is not set, the collection of the service's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 24)))]
    #[schemars(extend(
        "x-kubernetes-list-type" = "set",
        "x-kubernetes-validations" = schema_rules([rules::collection_syntax()]),
    ))]
    pub owns: Option<Vec<String>>,
    /// The store of the service's items. No other service may query it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<ServiceStore>,
    /// Settings that all components have.
    #[serde(flatten)]
    pub settings: ComponentSettings,
}

/// How a summary request makes its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CallMode {
    /// One after another, in the order of the names of the called services.
    #[default]
    Sequential,
    /// All calls at once.
    Parallel,
}

/// A call that a service may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The name of the called service.
    #[schemars(length(min = 1, max = 24))]
    pub service: String,
    /// The percentage of summary requests that make this call. It does not affect requests for an
    /// item: they always follow the route to the owner of its collection.
    #[serde(default = "default_probability")]
    #[schemars(range(min = 0, max = 100))]
    pub probability_percent: i32,
}

fn default_probability() -> i32 {
    100
}

/// The store of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStore {
    /// The name of the store's component. If it is not set, `<service>-data`. The name `data`
    /// reuses the store of the client-server and three-tier shapes with its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 29))]
    #[schemars(extend("x-kubernetes-validations" =
        schema_rules([component_name::syntax_rule(), rules::reserved_store_name()])))]
    pub name: Option<String>,
    /// The volume of the items.
    #[serde(default)]
    pub storage: Storage,
    /// Resource requests and limits of the pod. What is not set: requests of 10m CPU and 32Mi of
    /// memory, limits of 1 CPU and 256Mi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

fn default_services() -> Vec<Service> {
    vec![
        Service {
            stateless: true,
            mode: CallMode::Parallel,
            calls: vec![Call::to("orders", 100), Call::to("catalog", 80)],
            ..Service::named("storefront")
        },
        Service { calls: vec![Call::to("catalog", 100)], ..Service::named("orders") },
        Service {
            owns: Some(vec![WILDCARD.to_owned()]),
            store: Some(ServiceStore { name: Some("data".to_owned()), ..ServiceStore::default() }),
            ..Service::named("catalog")
        },
    ]
}

impl Service {
    /// A service with a store and without calls.
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            stateless: false,
            mode: CallMode::default(),
            calls: vec![],
            owns: None,
            store: None,
            settings: ComponentSettings::default(),
        }
    }
}

impl Call {
    fn to(service: &str, probability_percent: i32) -> Self {
        Self { service: service.to_owned(), probability_percent }
    }
}

impl Default for NTier {
    fn default() -> Self {
        Self { client: ComponentSettings::default(), entry: None, services: default_services() }
    }
}

impl From<CallMode> for contract::CallMode {
    fn from(mode: CallMode) -> Self {
        match mode {
            CallMode::Sequential => Self::Sequential,
            CallMode::Parallel => Self::Parallel,
        }
    }
}
