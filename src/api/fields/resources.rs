//! Resource requests and limits of pods.
//!
//! Amounts are integers or strings, as in Kubernetes' pods. The API server before Kubernetes 1.34
//! estimates the cost of a CEL rule that reads all of such a value as above its limit, whatever
//! `maxLength` says. So only the rules on suffixes are in CEL; all others here are in Rust only.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount_rules::{Bound, check_bytes, check_cpu, check_memory, cpu_rule, memory_rule};
use super::quantity::{self, Quantity};
use crate::api::validation::{ErrorList, FieldPath, schema_rules, to_json};

/// Resource requests and limits of each pod of a component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Resources that each pod is guaranteed; the scheduler looks for a node that has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Amounts>,
    /// Resources that each pod may use at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
}

/// Amounts of resources of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema_rules([cpu_rule(), memory_rule()])))]
pub struct Amounts {
    /// CPUs, such as `250m` for a quarter of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub cpu: Option<RawQuantity>,
    /// Memory, such as `64Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub memory: Option<RawQuantity>,
    /// Local disk of the node, such as `1Gi`; volumes do not count.
    #[serde(default, rename = "ephemeral-storage", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH, "pattern" = quantity::PATTERN))]
    pub ephemeral_storage: Option<RawQuantity>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidResources {
    pub(crate) requests: ValidAmounts,
    pub(crate) limits: ValidAmounts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidAmounts {
    pub(crate) cpu: Option<Quantity>,
    pub(crate) memory: Option<Quantity>,
    pub(crate) ephemeral_storage: Option<Quantity>,
}

impl Resources {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> ValidResources {
        let requests = Amounts::validate(
            self.requests.as_ref(),
            Bound::Request,
            &path.field("requests"),
            errors,
        );
        let limits =
            Amounts::validate(self.limits.as_ref(), Bound::Limit, &path.field("limits"), errors);
        let pairs = [
            ("cpu", requests.cpu, limits.cpu),
            ("memory", requests.memory, limits.memory),
            ("ephemeral-storage", requests.ephemeral_storage, limits.ephemeral_storage),
        ];
        for (resource, request, limit) in pairs {
            if let (Some(request), Some(limit)) = (request, limit)
                && request > limit
            {
                let request_path = path.field("requests").field(resource);
                let message =
                    format!("is above the limit ({limit}): lower the request or raise the limit");
                errors.add(&request_path, to_json(&request.to_string()), message);
            }
        }
        ValidResources { requests, limits }
    }
}

impl Amounts {
    fn validate(
        amounts: Option<&Self>,
        bound: Bound,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> ValidAmounts {
        let Some(Self { cpu, memory, ephemeral_storage }) = amounts else {
            return ValidAmounts::default();
        };
        let disk_path = path.field("ephemeral-storage");
        let valid = ValidAmounts {
            cpu: quantity::validate(cpu.as_ref(), &path.field("cpu"), errors),
            memory: quantity::validate(memory.as_ref(), &path.field("memory"), errors),
            ephemeral_storage: quantity::validate(ephemeral_storage.as_ref(), &disk_path, errors),
        };
        if let (Some(raw), Some(amount)) = (cpu, valid.cpu) {
            check_cpu(raw, amount, bound, path, errors);
        }
        if let (Some(raw), Some(amount)) = (memory, valid.memory) {
            check_memory(raw, amount, bound, path, errors);
        }
        if let (Some(raw), Some(amount)) = (ephemeral_storage, valid.ephemeral_storage) {
            check_bytes(raw, amount, &disk_path, errors);
        }
        valid
    }
}
