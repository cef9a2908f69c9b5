//! The three-tier shape: a client tier, a business tier and a data tier.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::fields::{ComponentSettings, DataStore, ValidComponent, ValidStore};
use crate::api::validation::{ErrorList, FieldPath};

/// A client tier that calls a business tier, which queries a data tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreeTier {
    /// The client tier, which is the entry: it stores nothing and cannot reach the data tier. Its
    /// component is named `client`.
    #[serde(default)]
    pub client: ComponentSettings,
    /// The business tier, which queries the data tier. Its component is named `business`.
    #[serde(default)]
    pub business: ComponentSettings,
    /// The data tier: one store. Its component is named `data`.
    #[serde(default)]
    pub data: DataStore,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidThreeTier {
    pub(crate) client: ValidComponent,
    pub(crate) business: ValidComponent,
    pub(crate) data: ValidStore,
}

impl ThreeTier {
    pub(crate) fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidThreeTier> {
        let client = self.client.validate(&path.field("client"), errors);
        let business = self.business.validate(&path.field("business"), errors);
        let data = self.data.validate(&path.field("data"), errors);
        Some(ValidThreeTier { client: client?, business: business?, data: data? })
    }
}
