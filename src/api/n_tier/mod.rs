//! Services that call each other, each responsible for its own information.

mod check;
mod rules;
mod valid;

use maquette_contract as contract;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::ComponentSettings;
use super::name::NAME;
use super::resources::Resources;
use super::rule;
use super::storage::Storage;

pub(crate) use valid::{Ownership, ValidNTier, ValidService};

/// What `owns` says for every collection that nobody else owns.
const REST: &str = "*";

/// Services that call each other, each responsible for its own information.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NTier {
    /// The client, the entry: it keeps nothing and calls the first service. Its component is named
    /// `client`.
    #[serde(default)]
    pub client: ComponentSettings,
    /// The services. Each may call only services that are listed below it, so that no call ever
    /// comes back. Unless they are said: a storefront that calls orders and catalog, where orders
    /// keeps the orders and catalog everything else.
    #[serde(default = "storefront")]
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = rule::schema(&[
            rules::UNKNOWN_CALL,
            rules::UPWARD_CALL,
            rules::NOTHING_KEPT,
            rules::SHARED_STORE,
            rules::CONTESTED_KIND,
            rules::STORE_IS_SERVICE,
        ]),
    ))]
    pub services: Vec<Service>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule::schema(&[
    rules::SELF_CALL,
    rules::STATELESS_STORE,
    rules::STATELESS_OWNS,
])))]
pub struct Service {
    /// The service's name, which becomes its component's: lower-case letters, digits and `-`.
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[NAME, rules::TAKEN])))]
    pub name: String,
    /// True: the service keeps no information and has no store.
    #[serde(default)]
    pub stateless: bool,
    /// Whether a summary makes the calls one after another (`Sequential`) or all at once
    /// (`Parallel`).
    #[serde(default)]
    pub mode: CallMode,
    /// The services that this one may call; all are listed below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 23))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["service"]))]
    pub calls: Vec<Call>,
    /// The collections of items that are this service's information, `*` for every collection that no other
    /// service owns. The collection of the service's own name unless they are said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 24)))]
    #[schemars(extend(
        "x-kubernetes-list-type" = "set",
        "x-kubernetes-validations" = rule::schema(&[rules::KIND]),
    ))]
    pub owns: Option<Vec<String>>,
    /// The store of the service's items, which no other service may query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<ServiceStore>,
    /// What it has in common with other components.
    #[serde(flatten)]
    pub settings: ComponentSettings,
}

/// Whether a summary makes its calls one after another or all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CallMode {
    /// One after another, in the order listed.
    #[default]
    Sequential,
    /// All at once.
    Parallel,
}

/// A call that a service may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The name of the service called.
    #[schemars(length(min = 1, max = 24))]
    pub service: String,
    /// How many of 100 summaries make this call. Requests for an item always go the way to the
    /// item's owner.
    #[serde(default = "always")]
    #[schemars(range(min = 0, max = 100))]
    pub probability_percent: i32,
}

fn always() -> i32 {
    100
}

/// The store of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStore {
    /// The name of the store's component, `<service>-data` unless it is said. `data` takes over the store
    /// of the client-server and three-tier shapes, with the items in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 29))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[NAME, rules::STORE_TAKEN])))]
    pub name: Option<String>,
    /// The volume that the items are on.
    #[serde(default)]
    pub storage: Storage,
    /// What its pod asks for and may use at most. Whatever is not said has a small default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

fn storefront() -> Vec<Service> {
    let service = |name: &str| Service {
        name: name.to_owned(),
        stateless: false,
        mode: CallMode::default(),
        calls: vec![],
        owns: None,
        store: None,
        settings: ComponentSettings::default(),
    };
    let call = |service: &str, probability_percent| Call {
        service: service.to_owned(),
        probability_percent,
    };
    let data = ServiceStore { name: Some("data".to_owned()), ..ServiceStore::default() };
    vec![
        Service {
            stateless: true,
            mode: CallMode::Parallel,
            calls: vec![call("orders", 100), call("catalog", 80)],
            ..service("storefront")
        },
        Service { calls: vec![call("catalog", 100)], ..service("orders") },
        Service { owns: Some(vec![REST.to_owned()]), store: Some(data), ..service("catalog") },
    ]
}

impl Default for NTier {
    fn default() -> Self {
        Self { client: ComponentSettings::default(), services: storefront() }
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
