//! Every bad Architecture of `tests/refusals` is refused without a cluster, and nothing else is said
//! of it. That an API server refuses it with the same words is tested in `tests/api`.

#![cfg(test)]

#[path = "shared/refusal.rs"]
mod refusal;

use maquette::api::{self, ValidationErrors};
use maquette::plan::{Identity, plan};
use serde_json::Value;
use std::collections::BTreeSet;

fn check(document: &Value) -> Result<(), ValidationErrors> {
    let (architecture, spec) = api::parse_document(document)?;
    let name = architecture.metadata.name.expect("a name").parse().expect("a good one");
    plan(&spec, Identity { name, namespace: String::new(), uid: String::new() }).map(|_| ())
}

fn said(problems: &ValidationErrors) -> BTreeSet<(String, String)> {
    problems.iter().map(|problem| (problem.path.clone(), problem.message.clone())).collect()
}

#[test]
fn each_is_refused_for_what_is_wrong_with_it_and_nothing_else() {
    let mut wrong = vec![];
    for refusal in refusal::all() {
        let document: Value = serde_norway::from_str(&refusal.yaml).expect("YAML");
        let problems = refusal.problems.into_iter();
        let expected: BTreeSet<_> = problems.map(|p| (p.path, p.message)).collect();
        match check(&document) {
            Ok(()) => wrong.push(format!("{}: accepted", refusal.name)),
            Err(problems) if said(&problems) != expected => {
                let problems: Vec<_> = problems.iter().map(|p| format!("\n  {p}")).collect();
                wrong.push(format!("{}: other problems:{}", refusal.name, problems.concat()));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_operator_refuses_too_what_only_the_schema_says() {
    for refusal in refusal::all() {
        let document: Value = serde_norway::from_str(&refusal.yaml).expect("YAML");
        // What no API server would ever have stored cannot even be read.
        let Ok(architecture) = serde_json::from_value::<api::Architecture>(document.clone()) else {
            continue;
        };
        let name = architecture.metadata.name.clone().expect("a name");
        let unknown = refusal.problems.iter().any(|p| p.message.starts_with("unknown field"));
        let planned = architecture.spec.validate(&name).and_then(|spec| {
            let name = name.parse().expect("a valid spec has a good name");
            plan(&spec, Identity { name, namespace: String::new(), uid: String::new() })
        });
        assert!(unknown || planned.is_err(), "{} can be planned", refusal.name);
    }
}
