//! Amounts of resources that are valid as quantities and make no sense: a memory of `500m` is half
//! a byte, a CPU of `500Mi` is half a billion CPUs.
//!
//! Only the suffix can be checked in CEL at a bounded cost: see `resources`.

use super::quantity::Quantity;
use crate::api::validation::{CelRule, ErrorList, FieldPath, to_json};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;

const MEBIBYTE: u64 = 1 << 20;
/// The smallest memory limit: the container's runtime and an idle component need about 8 MiB to
/// start.
const MIN_MEMORY_LIMIT: u64 = 12 * MEBIBYTE;
/// The smallest CPU limit, in thousandths: with less, a pod does not answer its probes in time.
const MIN_CPU_LIMIT: u64 = 10;
const MAX_CPUS: u64 = 1024;
const MAX_BYTES: u64 = 64 << 40;

/// Suffixes of fractions: no amount of bytes has one.
const FRACTIONS: [char; 3] = ['n', 'u', 'm'];
/// Suffixes of multiples: no number of CPUs has one.
const MULTIPLES: [char; 7] = ['i', 'k', 'M', 'G', 'T', 'P', 'E'];

/// In CEL: the string `field` ends with none of `suffixes`.
fn has_no_suffix(field: &str, suffixes: &[char]) -> String {
    let ends: Vec<_> =
        suffixes.iter().map(|suffix| format!("self.{field}.endsWith('{suffix}')")).collect();
    format!("!has(self.{field}) || type(self.{field}) != string || !({})", ends.join(" || "))
}

/// The rule that memory is no fraction of a byte.
pub(super) fn memory_rule() -> CelRule {
    let message = "is a fraction of a byte, as m means thousandths: write bytes with a suffix such \
                   as Mi, for example 500Mi";
    CelRule::new(has_no_suffix("memory", &FRACTIONS), message).at_field("memory")
}

/// The rule that CPUs have no suffix of bytes.
pub(super) fn cpu_rule() -> CelRule {
    let message = "is no number of CPUs, as its suffix counts thousands or more: write CPUs, for \
                   example 500m for half a CPU, or 2";
    CelRule::new(has_no_suffix("cpu", &MULTIPLES), message).at_field("cpu")
}

/// Whether an amount is a request or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Request,
    Limit,
}

/// Whether a limit of `units` is below `least`. A limit of 0 is none, as in Kubernetes.
fn is_limit_below(bound: Bound, amount: Quantity, units: u64, least: u64) -> bool {
    bound == Bound::Limit && !amount.is_zero() && units < least
}

/// Reports a number of CPUs that makes no sense. `path` is that of the amounts.
pub(super) fn check_cpu(
    raw: &RawQuantity,
    amount: Quantity,
    bound: Bound,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    let field = path.field("cpu");
    if raw.0.ends_with(MULTIPLES) {
        cpu_rule().report_value(path, to_json(&raw.0), &[], errors);
    } else if amount.ceil() > MAX_CPUS {
        let message = format!(
            "is more than {MAX_CPUS} CPUs, which no node has: write CPUs, for example 500m or 2"
        );
        errors.add(&field, to_json(&raw.0), message);
    } else if is_limit_below(bound, amount, amount.ceil_milli(), MIN_CPU_LIMIT) {
        let message = format!(
            "is below {MIN_CPU_LIMIT}m CPU, which a pod needs to answer its probes: raise the limit"
        );
        errors.add(&field, to_json(&raw.0), message);
    }
}

/// Reports an amount of memory that makes no sense. `path` is that of the amounts.
pub(super) fn check_memory(
    raw: &RawQuantity,
    amount: Quantity,
    bound: Bound,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    if raw.0.ends_with(FRACTIONS) {
        memory_rule().report_value(path, to_json(&raw.0), &[], errors);
    } else if is_limit_below(bound, amount, amount.ceil(), MIN_MEMORY_LIMIT) {
        let message = format!(
            "is {} bytes, and a pod needs at least {}Mi to start: write bytes with a suffix, for \
             example 64Mi",
            amount.ceil(),
            MIN_MEMORY_LIMIT / MEBIBYTE
        );
        errors.add(&path.field("memory"), to_json(&raw.0), message);
    } else {
        check_bytes(raw, amount, &path.field("memory"), errors);
    }
}

/// Reports an amount of bytes below 1Mi, unless it is 0, or above what a node has.
pub(super) fn check_bytes(
    raw: &RawQuantity,
    amount: Quantity,
    field: &FieldPath,
    errors: &mut ErrorList,
) {
    let bytes = amount.ceil();
    if !amount.is_zero() && bytes < MEBIBYTE {
        let message = format!(
            "is {bytes} bytes: write bytes with a suffix such as Mi or Gi, for example 64Mi"
        );
        errors.add(field, to_json(&raw.0), message);
    } else if bytes > MAX_BYTES {
        let message = "is more than 64Ti, which no node has: write bytes with a suffix such as Mi \
                       or Gi, for example 64Mi";
        errors.add(field, to_json(&raw.0), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fields::Resources;

    #[test]
    fn a_limit_of_zero_is_no_limit() {
        for limits in ["{cpu: 0}", "{memory: '0'}", "{cpu: 0m, memory: 0Mi}"] {
            let resources: Resources =
                serde_norway::from_str(&format!("{{limits: {limits}}}")).unwrap();
            let mut errors = ErrorList::default();
            let valid = resources.validate(&FieldPath::root(), &mut errors);
            assert!(errors.into_result(Some(valid)).is_ok(), "{limits}");
        }
    }
}
