//! Volumes of stores and peers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error_list::{At, Findings, to_json};
use super::pods::{self, SUBDOMAIN};
use super::quantity::{self, Quantity, pattern};
use super::resources::{Resources, ValidResources};
use super::rule::{self, Rule};

const SIZE: Rule = Rule {
    cel: concat!("self.matches('", pattern!(), "') && quantity(self).isGreaterThan(quantity('0'))"),
    message: "'{}' is not the size of a volume: write an amount above 0, such as 500Mi or 1Gi",
    values: &["self"],
    blame: "",
};

/// The volume of a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// How much it holds, such as `1Gi`. It may be raised later, and no pod restarts for it: volumes
    /// grow where their StorageClass has `allowVolumeExpansion`, and else stay as they are, which
    /// the condition Progressing then tells. It never shrinks.
    #[serde(default = "one_gibibyte")]
    #[schemars(extend(
        "maxLength" = quantity::MAX_LENGTH,
        "x-kubernetes-validations" = rule::schema(&[SIZE]),
    ))]
    pub size: String,
    /// The StorageClass that provides it; the cluster's default one unless it is said. It cannot be
    /// changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[SUBDOMAIN])))]
    pub storage_class_name: Option<String>,
}

fn one_gibibyte() -> String {
    "1Gi".to_owned()
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: one_gibibyte(), storage_class_name: None }
    }
}

/// A store: one pod that keeps items on a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataStore {
    /// The volume that the items are on.
    #[serde(default)]
    pub storage: Storage,
    /// What its pod asks for and may use at most. Whatever is not said has a small default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Validated [`Storage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidStorage {
    pub(crate) size: Quantity,
    pub(crate) storage_class: Option<String>,
}

/// Validated [`DataStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidStore {
    pub(crate) storage: ValidStorage,
    pub(crate) resources: ValidResources,
}

impl Storage {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidStorage> {
        let text = &self.size;
        let size = text.parse().ok().filter(|size: &Quantity| !size.is_zero());
        if size.is_none() {
            SIZE.broken_by(&at.field("size"), to_json(text), &[text], findings);
        }
        if let Some(class) = &self.storage_class_name {
            pods::check_subdomain(class, &at.field("storageClassName"), findings);
        }
        Some(ValidStorage { size: size?, storage_class: self.storage_class_name.clone() })
    }
}

impl DataStore {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidStore> {
        let storage = self.storage.validate(&at.field("storage"), findings);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&at.field("resources"), findings));
        Some(ValidStore { storage: storage?, resources: resources.unwrap_or_default() })
    }
}
