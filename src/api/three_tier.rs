//! A client tier that calls a business tier that queries a data tier.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{ComponentSettings, ValidComponent};
use super::error_list::{At, Findings};
use super::storage::{DataStore, ValidStore};

/// A client tier that calls a business tier that queries a data tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreeTier {
    /// The client tier, the entry: it keeps nothing and knows nothing of the data. Its component is named
    /// `client`.
    #[serde(default)]
    pub client: ComponentSettings,
    /// The business tier, which fetches, processes and formats the data. Its component is named
    /// `business`.
    #[serde(default)]
    pub business: ComponentSettings,
    /// The data tier: one store. Its component is named `data`.
    #[serde(default)]
    pub data: DataStore,
}

/// Validated [`ThreeTier`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidThreeTier {
    pub(crate) client: ValidComponent,
    pub(crate) business: ValidComponent,
    pub(crate) data: ValidStore,
}

impl ThreeTier {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidThreeTier> {
        let client = self.client.validate(&at.field("client"), findings);
        let business = self.business.validate(&at.field("business"), findings);
        let data = self.data.validate(&at.field("data"), findings);
        Some(ValidThreeTier { client: client?, business: business?, data: data? })
    }
}
