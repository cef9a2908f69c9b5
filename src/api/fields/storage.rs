//! Volumes of stores and peers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pods::{check_subdomain, subdomain_rule};
use super::quantity::{self, Quantity};
use super::resources::{Resources, ValidResources};
use crate::api::validation::{CelRule, ErrorList, FieldPath, schema_rules, to_json};

/// The smallest volume.
const MIN_SIZE: &str = "1Mi";

fn size_rule() -> CelRule {
    CelRule::new(
        format!(
            "self.matches('{}') && quantity(self).compareTo(quantity('{MIN_SIZE}')) >= 0",
            quantity::PATTERN,
        ),
        "'{}' is not a valid volume size: write an amount of at least 1Mi, such as 500Mi or 1Gi",
    )
    .with_arguments(["self"])
}

/// The volume of a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The capacity, such as `1Gi`. It can be increased later without a restart of pods and cannot
    /// be decreased once the volume exists. Volumes grow only if their StorageClass has
    /// `allowVolumeExpansion`; otherwise they keep their size and the condition `Progressing` says
    /// so.
    #[serde(default = "default_size")]
    #[schemars(extend(
        "maxLength" = quantity::MAX_LENGTH,
        "x-kubernetes-validations" = schema_rules([size_rule()]),
    ))]
    pub size: String,
    /// The StorageClass of the volume. If it is not set, the default StorageClass of the cluster.
    /// It cannot be changed once the volume exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([subdomain_rule()])))]
    pub storage_class_name: Option<String>,
}

fn default_size() -> String {
    "1Gi".to_owned()
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: default_size(), storage_class_name: None }
    }
}

/// A store: one pod that stores items on a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataStore {
    /// The volume of the items.
    #[serde(default)]
    pub storage: Storage,
    /// Resource requests and limits of the pod. What is not set: requests of 10m CPU and 32Mi of
    /// memory, limits of 1 CPU and 256Mi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidStorage {
    pub(crate) size: Quantity,
    pub(crate) storage_class: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidStore {
    pub(crate) storage: ValidStorage,
    pub(crate) resources: ValidResources,
}

impl Storage {
    pub(crate) fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidStorage> {
        let text = &self.size;
        let least = MIN_SIZE.parse::<Quantity>().ok();
        let size = text.parse().ok().filter(|size: &Quantity| Some(*size) >= least);
        if size.is_none() {
            size_rule().report_value(&path.field("size"), to_json(text), &[text], errors);
        }
        if let Some(class) = &self.storage_class_name {
            check_subdomain(class, &path.field("storageClassName"), errors);
        }
        Some(ValidStorage { size: size?, storage_class: self.storage_class_name.clone() })
    }
}

impl DataStore {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidStore> {
        let storage = self.storage.validate(&path.field("storage"), errors);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&path.field("resources"), errors));
        Some(ValidStore { storage: storage?, resources: resources.unwrap_or_default() })
    }
}
