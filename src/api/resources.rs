//! What each pod of a component asks for and may use at most.
//!
//! Amounts are numbers or text, as Kubernetes' own are. Before Kubernetes 1.34 the API server takes
//! a rule about such a value for too dear, whatever its greatest length; so no rule here is in CEL.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error_list::{At, Findings, to_json};
use super::quantity::{self, Quantity};

/// What each pod of a component asks for and may use at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What each pod is sure to get; the scheduler looks for a machine that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Amounts>,
    /// What each pod may use at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
}

/// Amounts of what a machine has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// Processors, such as `250m` for a quarter of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub cpu: Option<RawQuantity>,
    /// Memory, such as `64Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub memory: Option<RawQuantity>,
    /// The machine's own disk, such as `1Gi`; volumes do not count.
    #[serde(default, rename = "ephemeral-storage", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub ephemeral_storage: Option<RawQuantity>,
}

/// Validated [`Resources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidResources {
    pub(crate) requests: ValidAmounts,
    pub(crate) limits: ValidAmounts,
}

/// Validated [`Amounts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidAmounts {
    pub(crate) cpu: Option<Quantity>,
    pub(crate) memory: Option<Quantity>,
    pub(crate) ephemeral_storage: Option<Quantity>,
}

impl Resources {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> ValidResources {
        let mut amounts = |field, amounts: &Option<Amounts>| {
            amounts.as_ref().map(|a| a.validate(&at.field(field), findings)).unwrap_or_default()
        };
        let requests = amounts("requests", &self.requests);
        let limits = amounts("limits", &self.limits);
        let pairs = [
            ("cpu", requests.cpu, limits.cpu),
            ("memory", requests.memory, limits.memory),
            ("ephemeral-storage", requests.ephemeral_storage, limits.ephemeral_storage),
        ];
        for (what, request, limit) in pairs {
            if let (Some(request), Some(limit)) = (request, limit)
                && request > limit
            {
                let at = at.field("requests").field(what);
                let message = format!("is above the limit, {limit}: lower it or raise the limit");
                findings.add(&at, to_json(&request.to_string()), message);
            }
        }
        ValidResources { requests, limits }
    }
}

impl Amounts {
    fn validate(&self, at: &At, findings: &mut Findings) -> ValidAmounts {
        let mut amount = |field, raw: &Option<RawQuantity>| {
            raw.as_ref().and_then(|raw| quantity::validate(raw, &at.field(field), findings))
        };
        ValidAmounts {
            cpu: amount("cpu", &self.cpu),
            memory: amount("memory", &self.memory),
            ephemeral_storage: amount("ephemeral-storage", &self.ephemeral_storage),
        }
    }
}
