//! Taints of machines that the pods put up with.

use k8s_openapi::api::core::v1 as core;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BAD_KEY, LABEL_VALUE};
use crate::api::error_list::{At, Findings, to_json};
use crate::api::label_syntax::{is_key, is_label_value};
use crate::api::rule::{self, Rule};

const NO_KEY: Rule = Rule {
    cel: "has(self.key) || self.operator == 'Exists'",
    message: "without a key, all taints are meant: say operator Exists or the key",
    values: &[],
    blame: "operator",
};
const NO_VALUE: Rule = Rule {
    cel: "!has(self.value) || self.operator == 'Equal'",
    message: "the operator Exists asks for no value: drop value or say operator Equal",
    values: &[],
    blame: "value",
};
const NO_EXECUTE: Rule = Rule {
    cel: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
    message: "only pods that are evicted can stay for a while: drop tolerationSeconds or say effect \
              NoExecute",
    values: &[],
    blame: "tolerationSeconds",
};

/// Taints of machines that the pods put up with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule::schema(&[NO_KEY, NO_VALUE, NO_EXECUTE])))]
pub struct Toleration {
    /// The taint's key. Without it, and with the operator `Exists`, all taints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 317))]
    pub key: Option<String>,
    /// Whether the taint's value must be `value` (`Equal`) or may be any (`Exists`).
    #[serde(default)]
    pub operator: TolerationOperator,
    /// The taint's value, if the operator is `Equal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[LABEL_VALUE])))]
    pub value: Option<String>,
    /// The taint's effect: `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Any, unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<TaintEffect>,
    /// How many seconds a pod stays after such a taint with the effect `NoExecute` has come. For
    /// ever, unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How a toleration matches a taint's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// The values are equal.
    #[default]
    Equal,
    /// Any value will do.
    Exists,
}

/// What a taint does to pods that do not put up with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// They do not come.
    NoSchedule,
    /// They come only if there is no other machine.
    PreferNoSchedule,
    /// They do not come, and those that are there leave.
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
            // The API server drops an empty one.
            value: toleration.value.clone().filter(|value| !value.is_empty()),
            effect: effect.map(str::to_owned),
            toleration_seconds: toleration.toleration_seconds,
        }
    }
}

impl Toleration {
    pub(super) fn validate(&self, at: &At, findings: &mut Findings) {
        let equal = self.operator == TolerationOperator::Equal;
        if self.key.is_none() && equal {
            NO_KEY.broken(at, &[], findings);
        }
        if self.value.is_some() && !equal {
            NO_VALUE.broken(at, &[], findings);
        }
        if self.toleration_seconds.is_some() && self.effect != Some(TaintEffect::NoExecute) {
            NO_EXECUTE.broken(at, &[], findings);
        }
        if let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) {
            findings.add(&at.field("key"), to_json(key), BAD_KEY);
        }
        if let Some(value) = self.value.as_ref().filter(|value| !is_label_value(value)) {
            LABEL_VALUE.broken_by(&at.field("value"), to_json(value), &[value], findings);
        }
    }
}
