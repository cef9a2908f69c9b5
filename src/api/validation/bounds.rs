//! The schema's bounds, for a spec that no API server has checked. The messages are those of the
//! API server, word for word.

use std::collections::BTreeMap;

use maquette_contract::Percent;

use super::error_list::{ErrorList, FieldPath, to_json};

/// The longest list of clients or services.
pub(crate) const MAX_ITEMS: usize = 24;

/// `value` if it is in `least..=most`, which must not be negative.
pub(crate) fn check_range(
    value: i32,
    least: i32,
    most: i32,
    path: &FieldPath,
    errors: &mut ErrorList,
) -> Option<u32> {
    if value < least {
        errors.add(path, to_json(&value), too_small(&least.to_string()));
    } else if value > most {
        errors.add(path, to_json(&value), too_large(&most.to_string()));
    } else {
        return u32::try_from(value).ok();
    }
    None
}

/// `value` if it is in `0..=100`.
pub(crate) fn check_percent(
    value: i32,
    path: &FieldPath,
    errors: &mut ErrorList,
) -> Option<Percent> {
    let percent = check_range(value, 0, 100, path, errors)?;
    Percent::try_from(u8::try_from(percent).ok()?).ok()
}

/// Checks that the list has 1 to [`MAX_ITEMS`] items.
pub(crate) fn check_length<T>(list: &[T], path: &FieldPath, errors: &mut ErrorList) {
    if list.is_empty() {
        errors.add(path, None, too_few(1));
    } else if list.len() > MAX_ITEMS {
        errors.add(path, None, too_many(MAX_ITEMS));
    }
}

/// Checks that no two items of the list at `path` have the same name. `key` is the field that holds
/// the name; none: the items are the names.
pub(crate) fn check_unique<'a>(
    key: Option<&str>,
    names: impl Iterator<Item = &'a String>,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.enumerate() {
        let count = counts.entry(name).or_default();
        *count += 1;
        // The API server reports each duplicate name once, at its second item.
        if *count != 2 {
            continue;
        }
        let item = match key {
            Some(key) => format!("{{\"{key}\":\"{name}\"}}"),
            None => format!("\"{name}\""),
        };
        errors.add(&path.index(index), None, duplicate_value(&item));
    }
}

pub(crate) fn too_small(least: &str) -> String {
    format!("should be greater than or equal to {least}")
}

pub(crate) fn too_large(most: &str) -> String {
    format!("should be less than or equal to {most}")
}

/// The message for a string. The API server says "bytes" and counts characters.
pub(crate) fn too_long(most: i64) -> String {
    format!("Too long: may not be more than {most} bytes")
}

pub(crate) fn too_few(least: i64) -> String {
    format!("should have at least {least} items")
}

pub(crate) fn too_many(most: impl std::fmt::Display) -> String {
    format!("Too many: must have at most {most} items")
}

pub(crate) fn duplicate_value(key: &str) -> String {
    format!("Duplicate value: {key}")
}
