//! Each invalid Architecture of `tests/invalid` is rejected without a cluster, with exactly its
//! expected errors. `tests/api` tests that an API server rejects it with the same messages.

#![cfg(test)]

#[path = "shared/invalid_cases.rs"]
mod invalid_cases;

use maquette::api::{self, ValidationErrors};
use maquette::plan::{Identity, plan};
use serde_json::Value;
use std::collections::BTreeSet;

fn check(document: &Value) -> Result<(), ValidationErrors> {
    let (architecture, spec) = api::parse_document(document)?;
    let name = architecture.metadata.name.expect("a name").parse().expect("a valid name");
    plan(&spec, Identity { name, namespace: String::new(), uid: String::new() }).map(|_| ())
}

fn paths_and_messages(errors: &ValidationErrors) -> BTreeSet<(String, String)> {
    errors.iter().map(|error| (error.path.clone(), error.message.clone())).collect()
}

#[test]
fn each_case_has_exactly_its_expected_errors() {
    let mut failures = vec![];
    for case in invalid_cases::all() {
        let document: Value = serde_norway::from_str(&case.yaml).expect("YAML");
        let expected: BTreeSet<_> =
            case.errors.into_iter().map(|error| (error.path, error.message)).collect();
        match check(&document) {
            Ok(()) => failures.push(format!("{}: accepted", case.name)),
            Err(errors) if paths_and_messages(&errors) != expected => {
                let lines: Vec<_> = errors.iter().map(|error| format!("\n  {error}")).collect();
                failures.push(format!("{}: other errors:{}", case.name, lines.concat()));
            }
            Err(_) => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn operator_rejects_what_the_schema_rejects() {
    for case in invalid_cases::all() {
        let document: Value = serde_norway::from_str(&case.yaml).expect("YAML");
        // The operator never reads an object that does not deserialize.
        let Ok(architecture) = serde_json::from_value::<api::Architecture>(document.clone()) else {
            continue;
        };
        let name = architecture.metadata.name.clone().expect("a name");
        let unknown = case.errors.iter().any(|error| error.message.starts_with("unknown field"));
        let planned = architecture.spec.validate(&name).and_then(|spec| {
            let name = name.parse().expect("a valid spec has a valid name");
            plan(&spec, Identity { name, namespace: String::new(), uid: String::new() })
        });
        assert!(unknown || planned.is_err(), "{} can be planned", case.name);
    }
}
