//! Names of nodes and percentages, as users write them.

use maquette_contract::{NodeName, Percent};

use super::problem::{At, Findings, json};
use super::rule::Rule;

/// What a node's name must look like.
pub(crate) const NAME: Rule = Rule {
    cel: "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message: "'{}' must be lower-case letters, digits and '-', beginning with a letter and ending \
              with a letter or digit, such as orders-2",
    values: &["self"],
    blame: "",
};

/// The node's name at `at`.
pub(crate) fn validate(text: &str, at: &At, findings: &mut Findings) -> Option<NodeName> {
    let name = text.parse().ok();
    if name.is_none() {
        NAME.broken_by(at, json(&text), &[text], findings);
    }
    name
}

/// The percentage at `at`, which the schema bounds too.
pub(crate) fn percent(value: i32, at: &At, findings: &mut Findings) -> Option<Percent> {
    let percent = u8::try_from(value).ok().and_then(|value| Percent::try_from(value).ok());
    if percent.is_none() {
        findings.add(at, json(&value), "must be from 0 to 100");
    }
    percent
}
