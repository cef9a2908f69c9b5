//! The client-server shape: clients that query one data store directly.

use maquette_contract::ComponentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::fields::{ComponentSettings, DataStore, ValidComponent, ValidStore};
use crate::api::validation::{
    CelRule, ErrorList, FieldPath, bounds, component_name, schema_rules, to_json,
};

fn reserved_client_name() -> CelRule {
    CelRule::new(
        "!(self in ['data', 'load', 'peers']) && !self.endsWith('-headless')",
        "the name '{}' is reserved for another component: choose another name for the client",
    )
    .with_arguments(["self"])
}

fn unknown_entry() -> CelRule {
    CelRule::new(
        "!has(self.entry) || self.clients.exists(c, c.name == self.entry)",
        "the entry '{}' is not in clients: name one of the clients, or add it",
    )
    .with_arguments(["self.entry"])
    .at_field("entry")
}

/// Clients that query one data store directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([unknown_entry()])))]
pub struct ClientServer {
    /// The name of the client that is the entry. If it is not set, the first in the order of their
    /// names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 24))]
    pub entry: Option<String>,
    /// The clients, which share one store. The load sends requests to all clients.
    #[serde(default = "one_client")]
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub clients: Vec<Client>,
    /// The store that all clients query. Its component is named `data`.
    #[serde(default)]
    pub data: DataStore,
}

/// A client: a component that queries the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The name of the client and of its component: lower-case letters, digits and `-`.
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-validations" =
        schema_rules([component_name::syntax_rule(), reserved_client_name()])))]
    pub name: String,
    /// Settings that all components have.
    #[serde(flatten)]
    pub settings: ComponentSettings,
}

fn one_client() -> Vec<Client> {
    vec![Client { name: "client".to_owned(), settings: ComponentSettings::default() }]
}

impl Default for ClientServer {
    fn default() -> Self {
        Self { entry: None, clients: one_client(), data: DataStore::default() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidClientServer {
    /// One of `clients`.
    pub(crate) entry: ComponentName,
    /// In the order of their names.
    pub(crate) clients: Vec<(ComponentName, ValidComponent)>,
    pub(crate) data: ValidStore,
}

impl ClientServer {
    pub(crate) fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidClientServer> {
        let list = path.field("clients");
        // Validates each client before `?` stops at the first invalid one.
        let clients: Vec<_> = self
            .clients
            .iter()
            .enumerate()
            .map(|(index, client)| client.validate(&list.index(index), errors))
            .collect();
        bounds::check_length(&self.clients, &list, errors);
        let names = self.clients.iter().map(|client| &client.name);
        bounds::check_unique(Some("name"), names, &list, errors);
        let data = self.data.validate(&path.field("data"), errors);
        self.check_entry(path, errors);
        let mut valid_clients = clients.into_iter().collect::<Option<Vec<_>>>()?;
        valid_clients.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (first, _) = valid_clients.first()?;
        let entry = self.entry.as_ref().map_or(Some(first.clone()), |name| name.parse().ok())?;
        Some(ValidClientServer { entry, clients: valid_clients, data: data? })
    }

    fn check_entry(&self, path: &FieldPath, errors: &mut ErrorList) {
        let Some(entry) = &self.entry else { return };
        if !self.clients.iter().any(|client| client.name == *entry) {
            unknown_entry().report(path, &[entry], errors);
        }
    }
}

impl Client {
    fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<(ComponentName, ValidComponent)> {
        let text = self.name.as_str();
        let name_path = path.field("name");
        let name = component_name::validate(text, component_name::MAX_LENGTH, &name_path, errors);
        if ["data", "load", "peers"].contains(&text) || component_name::is_headless(text) {
            reserved_client_name().report_value(&name_path, to_json(&text), &[text], errors);
        }
        let settings = self.settings.validate(path, errors);
        Some((name?, settings?))
    }
}
