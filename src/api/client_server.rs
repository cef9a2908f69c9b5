//! Clients that query one data store directly.

use maquette_contract::ComponentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::component::{ComponentSettings, ValidComponent};
use super::error_list::{At, Findings, to_json};
use super::name::{self, NAME};
use super::non_empty::Several;
use super::rule::{self, Rule};
use super::storage::{DataStore, ValidStore};

const TAKEN: Rule = Rule {
    cel: "!(self in ['data', 'load', 'peers']) && !self.endsWith('-headless')",
    message: "the name '{}' is taken by another component: choose another for the client",
    values: &["self"],
    blame: "",
};

/// Clients that query one data store directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientServer {
    /// The clients, which share the data. The first is the entry; the load drives all of them.
    #[serde(default = "one_client")]
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub clients: Vec<Client>,
    /// The store that all clients query; its component is named `data`.
    #[serde(default)]
    pub data: DataStore,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The client's name, which becomes its component's: lower-case letters, digits and `-`.
    #[schemars(length(min = 1, max = 24))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[NAME, TAKEN])))]
    pub name: String,
    /// What it has in common with other components.
    #[serde(flatten)]
    pub settings: ComponentSettings,
}

fn one_client() -> Vec<Client> {
    vec![Client { name: "client".to_owned(), settings: ComponentSettings::default() }]
}

impl Default for ClientServer {
    fn default() -> Self {
        Self { clients: one_client(), data: DataStore::default() }
    }
}

/// Validated [`ClientServer`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidClientServer {
    /// The first is the entry.
    pub(crate) clients: Several<(ComponentName, ValidComponent)>,
    pub(crate) data: ValidStore,
}

impl ClientServer {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidClientServer> {
        let list = at.field("clients");
        let clients = self.clients.iter().enumerate().map(|(index, client)| {
            let at = list.index(index);
            let name = name::validate(&client.name, name::MAX_LENGTH, &at.field("name"), findings);
            let taken = ["data", "load", "peers"].contains(&client.name.as_str());
            if taken || name::is_headless(&client.name) {
                TAKEN.broken_by(
                    &at.field("name"),
                    to_json(&client.name),
                    &[&client.name],
                    findings,
                );
            }
            let settings = client.settings.validate(&at, findings);
            Some((name?, settings?))
        });
        let clients: Vec<_> = clients.collect();
        bounds::check_length(&self.clients, &list, findings);
        bounds::check_unique(
            Some("name"),
            self.clients.iter().map(|client| &client.name),
            &list,
            findings,
        );
        let data = self.data.validate(&at.field("data"), findings);
        let clients = clients.into_iter().collect::<Option<_>>()?;
        Some(ValidClientServer { clients: Several::new(clients)?, data: data? })
    }
}
