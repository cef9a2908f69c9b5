//! Names of components and percentages, as users write them.

use maquette_contract::{ComponentName, Percent};

use super::bounds;
use super::error_list::{At, Findings, to_json};
use super::rule::Rule;

/// What a component's name must look like.
pub(crate) const NAME: Rule = Rule {
    cel: "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message: "'{}' must be lower-case letters, digits and '-', beginning with a letter and ending \
              with a letter or digit, such as orders-2",
    values: &["self"],
    blame: "",
};

/// The longest name of a client or service, in characters.
pub(crate) const MAX_LENGTH: usize = 24;

/// The name at `at` of a client or service, or of a store, which may have more characters.
pub(crate) fn validate(
    text: &str,
    most: usize,
    at: &At,
    findings: &mut Findings,
) -> Option<ComponentName> {
    // The longest of all names: what is wrong with a longer one is its length.
    if text.len() > most {
        findings.add(at, to_json(&text), bounds::too_long(i64::try_from(most).unwrap_or(i64::MAX)));
        return None;
    }
    let name = text.parse().ok();
    if name.is_none() && !text.is_empty() {
        NAME.broken_by(at, to_json(&text), &[text], findings);
    } else if name.is_none() {
        findings.add(at, to_json(&text), "should be at least 1 chars long");
    }
    name
}

/// Whether a component of this name would have a Service called like a store's headless one.
pub(crate) fn is_headless(name: &str) -> bool {
    name.ends_with("-headless")
}

/// The percentage at `at`, which the schema bounds too.
pub(crate) fn validate_percent(value: i32, at: &At, findings: &mut Findings) -> Option<Percent> {
    let value = bounds::check_range(value, 0, 100, at, findings)?;
    Percent::try_from(u8::try_from(value).ok()?).ok()
}
