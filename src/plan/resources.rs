//! What a pod asks for and may use, where the user does not say.
//!
//! The defaults are small, so that dozens of pods fit on a machine of two processors, and the limits
//! generous, so that no model is slow or killed by surprise.

use crate::api::{Quantity, ValidAmounts, ValidResources};
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;
use maquette_contract::Role;
use std::collections::BTreeMap;

/// Requests and limits by default: processors and memory.
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

/// The resources of a pod: what the user says, and the role's defaults for the rest. Where the user
/// says only one of request and limit, the default of the other gives way if it does not fit.
pub(super) fn with_defaults(role: Role, user: &ValidResources) -> ResourceRequirements {
    let RoleDefaults { cpu, memory } = role_defaults(role);
    let ValidAmounts { cpu: cpu_request, memory: memory_request, ephemeral_storage: disk_request } =
        user.requests;
    let ValidAmounts { cpu: cpu_limit, memory: memory_limit, ephemeral_storage: disk_limit } =
        user.limits;
    let cpu = request_and_limit(cpu_request, cpu_limit, cpu);
    let memory = request_and_limit(memory_request, memory_limit, memory);
    ResourceRequirements {
        claims: None,
        requests: Some(quantity_map(Some(cpu.0), Some(memory.0), disk_request)),
        limits: Some(quantity_map(Some(cpu.1), Some(memory.1), disk_limit)),
    }
}

type QuantityMap = BTreeMap<String, RawQuantity>;

fn quantity_map(
    cpu: Option<String>,
    memory: Option<String>,
    disk: Option<Quantity>,
) -> QuantityMap {
    let disk = disk.map(|disk| disk.to_string());
    [("cpu", cpu), ("memory", memory), ("ephemeral-storage", disk)]
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), RawQuantity(amount?))))
        .collect()
}

/// The request and the limit.
fn request_and_limit(
    request: Option<Quantity>,
    limit: Option<Quantity>,
    (default_request, default_limit): (&str, &str),
) -> (String, String) {
    let fits = |default: &str, fit: &dyn Fn(Quantity) -> bool| default.parse().is_ok_and(fit);
    let or = |default: &str, other: Option<Quantity>, fits: bool| match other {
        Some(other) if !fits => other.to_string(),
        _ => default.to_owned(),
    };
    let request_fits = limit.is_none_or(|limit| fits(default_request, &|request| request <= limit));
    let limit_fits = request.is_none_or(|request| fits(default_limit, &|limit| request <= limit));
    (
        request.map_or_else(|| or(default_request, limit, request_fits), |r| r.to_string()),
        limit.map_or_else(|| or(default_limit, request, limit_fits), |l| l.to_string()),
    )
}
