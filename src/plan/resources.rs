//! Resource requests and limits of pods, with defaults for what the user does not set.
//!
//! The default requests are small: dozens of pods fit on a node with two CPUs. The default limits
//! are generous: no pod is throttled or killed unless the user asks for it.

use crate::api::{Quantity, ValidAmounts, ValidResources};
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;
use maquette_contract::Role;
use std::collections::BTreeMap;

/// Default request and limit of CPU and memory.
struct RoleDefaults {
    cpu: (&'static str, &'static str),
    memory: (&'static str, &'static str),
}

fn role_defaults(role: Role) -> RoleDefaults {
    match role {
        Role::Service => RoleDefaults { cpu: ("10m", "1"), memory: ("16Mi", "128Mi") },
        Role::Store | Role::Peer => RoleDefaults { cpu: ("10m", "1"), memory: ("32Mi", "256Mi") },
        Role::Load => RoleDefaults { cpu: ("10m", "1"), memory: ("16Mi", "128Mi") },
    }
}

/// The user's resources, with the role's defaults for what is not set. If only one of request and
/// limit is set and the default of the other contradicts it, both are the user's amount.
pub(super) fn with_defaults(role: Role, user: &ValidResources) -> ResourceRequirements {
    let RoleDefaults { cpu, memory } = role_defaults(role);
    let ValidAmounts { cpu: cpu_request, memory: memory_request, ephemeral_storage: disk_request } =
        user.requests;
    let ValidAmounts { cpu: cpu_limit, memory: memory_limit, ephemeral_storage: disk_limit } =
        user.limits;
    let (cpu_request, cpu_limit) = request_and_limit(cpu_request, cpu_limit, cpu);
    let (memory_request, memory_limit) = request_and_limit(memory_request, memory_limit, memory);
    ResourceRequirements {
        claims: None,
        requests: Some(quantity_map(Some(cpu_request), Some(memory_request), disk_request)),
        limits: Some(quantity_map(Some(cpu_limit), Some(memory_limit), disk_limit)),
    }
}

type QuantityMap = BTreeMap<String, RawQuantity>;

fn quantity_map(
    cpu: Option<String>,
    memory: Option<String>,
    disk: Option<Quantity>,
) -> QuantityMap {
    [("cpu", cpu), ("memory", memory), ("ephemeral-storage", disk.map(|disk| disk.to_string()))]
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), RawQuantity(amount?))))
        .collect()
}

/// The request and the limit as quantities: the user's, or else the defaults.
fn request_and_limit(
    request: Option<Quantity>,
    limit: Option<Quantity>,
    (default_request, default_limit): (&str, &str),
) -> (String, String) {
    let request_text = match (request, limit) {
        (Some(request), _) => request.to_string(),
        // The default request is above the user's limit.
        (None, Some(limit)) if !parses_to(default_request, |default| default <= limit) => {
            limit.to_string()
        }
        (None, _) => default_request.to_owned(),
    };
    let limit_text = match (limit, request) {
        (Some(limit), _) => limit.to_string(),
        // The default limit is below the user's request.
        (None, Some(request)) if !parses_to(default_limit, |default| request <= default) => {
            request.to_string()
        }
        (None, _) => default_limit.to_owned(),
    };
    (request_text, limit_text)
}

fn parses_to(text: &str, condition: impl FnOnce(Quantity) -> bool) -> bool {
    text.parse().is_ok_and(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_states_the_defaults() {
        let schema = serde_json::to_string(&crate::api::crd()).unwrap();
        for role in [Role::Service, Role::Store, Role::Peer, Role::Load] {
            let RoleDefaults { cpu, memory } = role_defaults(role);
            let text = format!(
                "What is not set: requests of {} CPU and {} of memory, limits of {} CPU and {} of \
                 memory.",
                cpu.0, memory.0, cpu.1, memory.1
            );
            assert!(schema.contains(&text), "{role} in src/api: {text}");
        }
    }
}
