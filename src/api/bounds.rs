//! Bounds that the schema sets, for a spec that did not come by way of the API server; the messages
//! are those of the API server.

use std::collections::BTreeMap;

use super::error_list::{At, Findings, to_json};

/// The number at `at`, if it is from `least` to `most`.
pub(crate) fn check_range(
    value: i32,
    least: i32,
    most: i32,
    at: &At,
    findings: &mut Findings,
) -> Option<u32> {
    if value < least {
        findings.add(at, to_json(&value), too_small(&least.to_string()));
    } else if value > most {
        findings.add(at, to_json(&value), too_large(&most.to_string()));
    } else {
        return u32::try_from(value).ok();
    }
    None
}

/// The most clients or services.
pub(crate) const MAX_ITEMS: usize = 24;

/// Checks that the list at `at` has an item and no more than [`MOST`].
pub(crate) fn check_length<T>(list: &[T], at: &At, findings: &mut Findings) {
    if list.is_empty() {
        findings.add(at, None, too_few(1));
    } else if list.len() > MAX_ITEMS {
        findings.add(at, None, too_many(MAX_ITEMS));
    }
}

/// Checks that no two items of the list at `at` have the same name, which is their `key`; without
/// one the items are names.
pub(crate) fn check_unique<'a>(
    key: Option<&str>,
    names: impl Iterator<Item = &'a String>,
    at: &At,
    findings: &mut Findings,
) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.enumerate() {
        let count = counts.entry(name).or_default();
        *count += 1;
        // Said once of each, as the API server does.
        if *count != 2 {
            continue;
        }
        let item = match key {
            Some(key) => format!("{{\"{key}\":\"{name}\"}}"),
            None => format!("\"{name}\""),
        };
        findings.add(&at.index(index), None, duplicate_value(&item));
    }
}

/// Says that a number is too small.
pub(crate) fn too_small(least: &str) -> String {
    format!("should be greater than or equal to {least}")
}

/// Says that a number is too great.
pub(crate) fn too_large(most: &str) -> String {
    format!("should be less than or equal to {most}")
}

/// Says that a text is too long.
pub(crate) fn too_long(most: i64) -> String {
    format!("Too long: may not be more than {most} bytes")
}

/// Says that a list is too short.
pub(crate) fn too_few(least: i64) -> String {
    format!("should have at least {least} items")
}

/// Says that a list is too long.
pub(crate) fn too_many(most: impl std::fmt::Display) -> String {
    format!("Too many: must have at most {most} items")
}

/// Says that an item of a list is there already.
pub(crate) fn duplicate_value(key: &str) -> String {
    format!("Duplicate value: {key}")
}
