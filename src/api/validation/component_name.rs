//! The syntax of components' names.

use maquette_contract::ComponentName;

use super::bounds;
use super::cel_rule::CelRule;
use super::error_list::{ErrorList, FieldPath, to_json};

/// The longest name of a client or service, in characters.
pub(crate) const MAX_LENGTH: usize = 24;

/// A DNS label that starts with a letter (RFC 1035): names of Services must be such.
pub(crate) const PATTERN: &str = "^[a-z]([-a-z0-9]*[a-z0-9])?$";

/// The rule on a name; also on the name of the Architecture.
pub(crate) fn syntax_rule() -> CelRule {
    CelRule::new(
        format!("self.matches('{PATTERN}')"),
        "'{}' is not a valid name: use lower-case letters, digits and '-', start with a letter and \
         end with a letter or digit, such as orders-2",
    )
    .with_arguments(["self"])
}

/// Parses the name of a client or service (at most [`MAX_LENGTH`] characters) or of a store (at
/// most [`ComponentName::MAX`]).
pub(crate) fn validate(
    text: &str,
    most: usize,
    path: &FieldPath,
    errors: &mut ErrorList,
) -> Option<ComponentName> {
    // The API server evaluates no rule on a string that is too long: report its length only.
    if text.len() > most {
        let message = bounds::too_long(i64::try_from(most).unwrap_or(i64::MAX));
        errors.add(path, to_json(&text), message);
        return None;
    }
    let name = text.parse().ok();
    if name.is_none() && !text.is_empty() {
        syntax_rule().report_value(path, to_json(&text), &[text], errors);
    } else if name.is_none() {
        errors.add(path, to_json(&text), "should be at least 1 chars long");
    }
    name
}

/// True if the name is reserved, because the headless Service of a store or of peers has the name
/// `<component>-headless`.
pub(crate) fn is_headless(name: &str) -> bool {
    name.ends_with("-headless")
}
