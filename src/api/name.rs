//! Names of nodes and percentages, as users write them.

use maquette_contract::{NameError, NodeName, Percent};

use super::problem::{At, Findings, json};

/// The node's name at `at`.
pub(crate) fn validate(text: &str, at: &At, findings: &mut Findings) -> Option<NodeName> {
    text.parse().map_err(|error: NameError| findings.add(at, json(&text), error.to_string())).ok()
}

/// The percentage at `at`.
pub(crate) fn percent(value: i32, at: &At, findings: &mut Findings) -> Option<Percent> {
    let percent = u8::try_from(value).ok().and_then(|value| Percent::try_from(value).ok());
    if percent.is_none() {
        findings.add(at, json(&value), "must be from 0 to 100");
    }
    percent
}
