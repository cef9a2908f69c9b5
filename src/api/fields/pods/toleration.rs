//! Taints of nodes that the pods tolerate.

use k8s_openapi::api::core::v1 as core;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{INVALID_KEY, label_value_rule};
use crate::api::validation::label_syntax::{is_key, is_label_value};
use crate::api::validation::{CelRule, ErrorList, FieldPath, schema_rules, to_json};

fn missing_key_rule() -> CelRule {
    CelRule::new(
        "has(self.key) || has(self.operator) && self.operator == 'Exists'",
        "a toleration without key matches all taints and needs operator Exists: set key, or set \
         operator to Exists",
    )
    .at_field("operator")
}

fn value_with_exists_rule() -> CelRule {
    CelRule::new(
        "!has(self.value) || !has(self.operator) || self.operator == 'Equal'",
        "operator Exists matches any value: remove value, or set operator to Equal",
    )
    .at_field("value")
}

fn seconds_without_no_execute_rule() -> CelRule {
    CelRule::new(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "tolerationSeconds applies to effect NoExecute only: remove tolerationSeconds, or set \
         effect to NoExecute",
    )
    .at_field("tolerationSeconds")
}

/// Taints of nodes that the pods tolerate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([
    missing_key_rule(),
    value_with_exists_rule(),
    seconds_without_no_execute_rule(),
])))]
pub struct Toleration {
    /// The key of the taint. If it is not set and the operator is `Exists`, all taints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 317))]
    pub key: Option<String>,
    /// Whether the value of the taint must be `value` (`Equal`) or can be any (`Exists`).
    #[serde(default)]
    pub operator: TolerationOperator,
    /// The value of the taint, for the operator `Equal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([label_value_rule()])))]
    pub value: Option<String>,
    /// The effect of the taint: `NoSchedule`, `PreferNoSchedule` or `NoExecute`. If it is not set,
    /// any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<TaintEffect>,
    /// How many seconds a pod stays on its node after a taint with the effect `NoExecute` is added.
    /// If it is not set, the pod stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How a toleration matches the value of a taint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// The values are equal.
    #[default]
    Equal,
    /// The value can be any.
    Exists,
}

/// What a taint does to pods that do not tolerate it: `NoSchedule`, `PreferNoSchedule` or
/// `NoExecute`. If it is not set, the toleration matches all effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// They are not scheduled to the node.
    NoSchedule,
    /// They are scheduled to the node only if no other node fits.
    PreferNoSchedule,
    /// They are not scheduled to the node, and running ones are evicted.
    NoExecute,
}

impl From<&Toleration> for core::Toleration {
    fn from(toleration: &Toleration) -> Self {
        let operator = match toleration.operator {
            TolerationOperator::Equal => "Equal",
            TolerationOperator::Exists => "Exists",
        };
        let effect = toleration.effect.map(|effect| match effect {
            TaintEffect::NoSchedule => "NoSchedule",
            TaintEffect::PreferNoSchedule => "PreferNoSchedule",
            TaintEffect::NoExecute => "NoExecute",
        });
        Self {
            key: toleration.key.clone(),
            operator: Some(operator.to_owned()),
            // The API server removes an empty value.
            value: toleration.value.clone().filter(|value| !value.is_empty()),
            effect: effect.map(str::to_owned),
            toleration_seconds: toleration.toleration_seconds,
        }
    }
}

impl Toleration {
    pub(super) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) {
        let is_equal = self.operator == TolerationOperator::Equal;
        if self.key.is_none() && is_equal {
            missing_key_rule().report(path, &[], errors);
        }
        if self.value.is_some() && !is_equal {
            value_with_exists_rule().report(path, &[], errors);
        }
        if self.toleration_seconds.is_some() && self.effect != Some(TaintEffect::NoExecute) {
            seconds_without_no_execute_rule().report(path, &[], errors);
        }
        if let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) {
            errors.add(&path.field("key"), to_json(key), INVALID_KEY);
        }
        if let Some(value) = self.value.as_ref().filter(|value| !is_label_value(value)) {
            label_value_rule().report_value(&path.field("value"), to_json(value), &[value], errors);
        }
    }
}
