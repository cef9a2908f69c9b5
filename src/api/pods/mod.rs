//! Settings of every pod of the model.

mod toleration;

pub use toleration::{TaintEffect, Toleration, TolerationOperator};

use maquette_contract::keys;
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::api::error_list::{At, Findings, to_json};
use crate::api::label_syntax::{is_key, is_label_value, is_subdomain};
use crate::api::rule::{self, Rule};

type Map = BTreeMap<String, String>;

/// The domain of the labels and annotations that Maquette sets.
const MAQUETTE_DOMAIN: &str = "maquette.dev/";
/// Other labels that Maquette sets.
const RESERVED_KEYS: [&str; 3] = [keys::LABEL_NAME, keys::LABEL_INSTANCE, keys::LABEL_MANAGED_BY];

const RESERVED_LABEL: Rule = Rule {
    cel: "!self.exists(k, k.startsWith('maquette.dev/') || k in ['app.kubernetes.io/name', \
          'app.kubernetes.io/instance', 'app.kubernetes.io/managed-by'])",
    message: "Maquette itself sets the labels of maquette.dev and app.kubernetes.io/name, instance \
              and managed-by, by which it finds its pods: drop them",
    values: &[],
    blame: "",
};
const RESERVED_ANNOTATION: Rule = Rule {
    cel: "!self.exists(k, k.startsWith('maquette.dev/'))",
    message: "Maquette itself sets the annotations of maquette.dev: drop them",
    values: &[],
    blame: "",
};
const LABEL_VALUE: Rule = Rule {
    cel: "self == '' || self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
    message: "'{}' is not the value of a label: use letters, digits, '-', '_' and '.', beginning \
              and ending with a letter or digit",
    values: &["self"],
    blame: "",
};
const IMAGE: Rule = Rule {
    cel: "self.matches('^[^ \\\\t\\\\r\\\\n]+$')",
    message: "'{}' is not the name of an image: drop the spaces",
    values: &["self"],
    blame: "",
};
/// Names of Secrets and StorageClasses.
pub(crate) const SUBDOMAIN: Rule = Rule {
    cel: "!format.dns1123Subdomain().validate(self).hasValue()",
    message: "'{}' is not a name: use lower-case letters, digits, '-' and '.', beginning and \
              ending with a letter or digit",
    values: &["self"],
    blame: "",
};
/// Settings of every pod of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSettings {
    /// Labels that every pod gets besides those that Maquette sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 32,
        "additionalProperties" = label_value(),
        "x-kubernetes-validations" = rule::schema(&[RESERVED_LABEL]),
    ))]
    pub labels: Map,
    /// Annotations that every pod gets besides those that Maquette sets, such as those that a mesh
    /// looks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 32,
        "additionalProperties" = json_schema!({"type": "string", "maxLength": 4096}),
        "x-kubernetes-validations" = rule::schema(&[RESERVED_ANNOTATION]),
    ))]
    pub annotations: Map,
    /// Labels that a machine must have for the pods to run there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "additionalProperties" = label_value()))]
    pub node_selector: Map,
    /// Taints of machines that the pods put up with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// Secrets in the Architecture's namespace with which to pull the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// The image of the workload, instead of the one that belongs to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[IMAGE])))]
    pub image: Option<String>,
    /// When the image is pulled: if the machine does not have it (`IfNotPresent`, unless it is
    /// said), whenever a pod starts (`Always`), or never (`Never`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
}

fn label_value() -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 63,
        "x-kubernetes-validations": rule::schema(&[LABEL_VALUE]),
    })
}

/// A Secret with which to pull the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePullSecret {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[SUBDOMAIN])))]
    pub name: String,
}

/// When the image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImagePullPolicy {
    /// When the machine does not have it.
    IfNotPresent,
    /// Whenever a pod starts.
    Always,
    /// Never: the machine must have it.
    Never,
}

impl ImagePullPolicy {
    /// The policy as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
            Self::Never => "Never",
        }
    }
}

impl PodSettings {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) {
        let labels = at.field("labels");
        let set = |key: &&str| key.starts_with(MAQUETTE_DOMAIN) || RESERVED_KEYS.contains(key);
        if self.labels.keys().map(String::as_str).any(|key| set(&key)) {
            RESERVED_LABEL.broken(&labels, &[], findings);
        }
        let annotations = at.field("annotations");
        if self.annotations.keys().any(|key| key.starts_with(MAQUETTE_DOMAIN)) {
            RESERVED_ANNOTATION.broken(&annotations, &[], findings);
        }
        check_keys(&self.labels, &labels, findings);
        check_label_values(&self.labels, &labels, findings);
        check_keys(&self.annotations, &annotations, findings);
        check_keys(&self.node_selector, &at.field("nodeSelector"), findings);
        check_label_values(&self.node_selector, &at.field("nodeSelector"), findings);
        for (index, toleration) in self.tolerations.iter().enumerate() {
            toleration.validate(&at.field("tolerations").index(index), findings);
        }
        for (index, secret) in self.image_pull_secrets.iter().enumerate() {
            let at = at.field("imagePullSecrets").index(index).field("name");
            check_subdomain(&secret.name, &at, findings);
        }
        if let Some(image) = &self.image
            && (image.is_empty() || image.chars().any(|c| matches!(c, ' ' | '\t' | '\r' | '\n')))
        {
            IMAGE.broken_by(&at.field("image"), to_json(image), &[image], findings);
        }
    }
}

/// The keys of a map have no greatest length, so that the API server takes every rule about their
/// text for too dear: this is checked here only.
const BAD_KEY: &str = "is not a key: use at most 63 letters, digits, '-', '_' and '.', beginning \
                       and ending with a letter or digit, perhaps behind a domain and a slash";

fn check_keys(map: &Map, at: &At, findings: &mut Findings) {
    for key in map.keys().filter(|key| !is_key(key)) {
        findings.add(at, to_json(key), BAD_KEY);
    }
}

fn check_label_values(map: &Map, at: &At, findings: &mut Findings) {
    for (key, value) in map.iter().filter(|(_, value)| !is_label_value(value)) {
        LABEL_VALUE.broken_by(&at.key(key), to_json(value), &[value], findings);
    }
}

/// Checks the name of a Secret or StorageClass.
pub(crate) fn check_subdomain(name: &str, at: &At, findings: &mut Findings) {
    if !is_subdomain(name) {
        SUBDOMAIN.broken_by(at, to_json(&name), &[name], findings);
    }
}
