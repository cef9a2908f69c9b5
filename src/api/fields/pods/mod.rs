//! Settings of every pod of the model.

mod toleration;

pub use toleration::{TaintEffect, Toleration, TolerationOperator};

use maquette_contract::keys;
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::api::validation::label_syntax::{is_key, is_label_value, is_subdomain};
use crate::api::validation::{CelRule, ErrorList, FieldPath, schema_rules, to_json};

type Map = BTreeMap<String, String>;

/// The domain of Maquette's labels and annotations; users cannot set any.
const MAQUETTE_DOMAIN: &str = "maquette.dev/";
/// Labels outside of [`MAQUETTE_DOMAIN`] that users cannot set.
const RESERVED_KEYS: [&str; 5] = [
    keys::LABEL_NAME,
    keys::LABEL_INSTANCE,
    keys::LABEL_APP_COMPONENT,
    keys::LABEL_PART_OF,
    keys::LABEL_MANAGED_BY,
];

fn reserved_label_rule() -> CelRule {
    let reserved = RESERVED_KEYS.map(|key| format!("'{key}'")).join(", ");
    CelRule::new(
        format!("!self.exists(k, k.startsWith('{MAQUETTE_DOMAIN}') || k in [{reserved}])"),
        "labels maquette.dev/* and app.kubernetes.io/name, instance, component, part-of and \
         managed-by are set by Maquette: remove them",
    )
}

fn reserved_annotation_rule() -> CelRule {
    CelRule::new(
        format!("!self.exists(k, k.startsWith('{MAQUETTE_DOMAIN}'))"),
        "annotations maquette.dev/* are set by Maquette: remove them",
    )
}

fn label_value_rule() -> CelRule {
    CelRule::new(
        "self == '' || self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
        "'{}' is not a valid label value: use letters, digits, '-', '_' and '.', start and end \
         with a letter or digit",
    )
    .with_arguments(["self"])
}

fn image_rule() -> CelRule {
    CelRule::new(
        "self.matches('^[^ \\\\t\\\\r\\\\n]+$')",
        "'{}' is not a valid image name: remove the spaces",
    )
    .with_arguments(["self"])
}

/// The rule on names of Secrets and StorageClasses.
pub(super) fn subdomain_rule() -> CelRule {
    CelRule::new(
        "!format.dns1123Subdomain().validate(self).hasValue()",
        "'{}' is not a valid object name: use lower-case letters, digits, '-' and '.', start and \
         end with a letter or digit",
    )
    .with_arguments(["self"])
}

/// Settings of every pod of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSettings {
    /// Labels for every pod, in addition to those that Maquette sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 32,
        "additionalProperties" = label_value_schema(),
        "x-kubernetes-validations" = schema_rules([reserved_label_rule()]),
    ))]
    pub labels: Map,
    /// Annotations for every pod, in addition to those that Maquette sets; for example those of a
    /// service mesh.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 32,
        "additionalProperties" = json_schema!({"type": "string", "maxLength": 4096}),
        "x-kubernetes-validations" = schema_rules([reserved_annotation_rule()]),
    ))]
    pub annotations: Map,
    /// Labels that a node must have for the pods to run there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "additionalProperties" = label_value_schema()))]
    pub node_selector: Map,
    /// Taints of nodes that the pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// Secrets in the namespace of the Architecture for pulling the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// The image of the workload. If it is not set, the one that the operator is installed with: by
    /// default, that of its own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([image_rule()])))]
    pub image: Option<String>,
    /// When the image is pulled: if the node does not have it (`IfNotPresent`, the default), at
    /// each start of a pod (`Always`), or never (`Never`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
}

fn label_value_schema() -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 63,
        "x-kubernetes-validations": schema_rules([label_value_rule()]),
    })
}

/// A Secret for pulling the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePullSecret {
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([subdomain_rule()])))]
    pub name: String,
}

/// When the image is pulled: if the node does not have it (`IfNotPresent`, the default), at each
/// start of a pod (`Always`), or never (`Never`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImagePullPolicy {
    /// If the node does not have it.
    IfNotPresent,
    /// At each start of a pod.
    Always,
    /// Never: the node must have it.
    Never,
}

impl ImagePullPolicy {
    /// The name in a pod specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
            Self::Never => "Never",
        }
    }
}

impl PodSettings {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) {
        let labels = path.field("labels");
        if self.labels.keys().any(|key| is_reserved_label(key)) {
            reserved_label_rule().report(&labels, &[], errors);
        }
        let annotations = path.field("annotations");
        if self.annotations.keys().any(|key| key.starts_with(MAQUETTE_DOMAIN)) {
            reserved_annotation_rule().report(&annotations, &[], errors);
        }
        check_keys(&self.labels, &labels, errors);
        check_label_values(&self.labels, &labels, errors);
        check_keys(&self.annotations, &annotations, errors);
        check_keys(&self.node_selector, &path.field("nodeSelector"), errors);
        check_label_values(&self.node_selector, &path.field("nodeSelector"), errors);
        for (index, toleration) in self.tolerations.iter().enumerate() {
            toleration.validate(&path.field("tolerations").index(index), errors);
        }
        let secrets = path.field("imagePullSecrets");
        for (index, secret) in self.image_pull_secrets.iter().enumerate() {
            check_subdomain(&secret.name, &secrets.index(index).field("name"), errors);
        }
        if let Some(image) = &self.image
            && (image.is_empty() || image.chars().any(|c| matches!(c, ' ' | '\t' | '\r' | '\n')))
        {
            image_rule().report_value(&path.field("image"), to_json(image), &[image], errors);
        }
    }
}

fn is_reserved_label(key: &str) -> bool {
    key.starts_with(MAQUETTE_DOMAIN) || RESERVED_KEYS.contains(&key)
}

// Not in CEL: the schema cannot bound the length of a map's keys, so the API server estimates the
// cost of any rule on their text as above its limit.
const INVALID_KEY: &str = "is not a valid key: use at most 63 letters, digits, '-', '_' and '.', \
                           start and end with a letter or digit; a DNS subdomain and '/' may \
                           precede them";

fn check_keys(map: &Map, path: &FieldPath, errors: &mut ErrorList) {
    for key in map.keys().filter(|key| !is_key(key)) {
        errors.add(path, to_json(key), INVALID_KEY);
    }
}

fn check_label_values(map: &Map, path: &FieldPath, errors: &mut ErrorList) {
    for (key, value) in map.iter().filter(|(_, value)| !is_label_value(value)) {
        label_value_rule().report_value(&path.key(key), to_json(value), &[value], errors);
    }
}

/// Checks the name of a Secret or StorageClass.
pub(super) fn check_subdomain(name: &str, path: &FieldPath, errors: &mut ErrorList) {
    if !is_subdomain(name) {
        subdomain_rule().report_value(path, to_json(&name), &[name], errors);
    }
}
