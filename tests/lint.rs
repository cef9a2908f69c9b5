//! The output and exit codes of `maquette lint`.

#![cfg(test)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

fn lint(arguments: &[&str], input: &str) -> Output {
    run("lint", arguments, input)
}

fn run(command: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_maquette"))
        .arg(command)
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("maquette starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn printed(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn the_examples_are_valid() {
    for shape in ["client-server", "three-tier", "n-tier", "peer-to-peer"] {
        let file = format!("manifests/examples/{shape}.yaml");
        let output = lint(&["-f", &file], "");
        assert_eq!(printed(&output), [format!("{file}: Architecture/{shape}: valid")]);
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn reports_all_errors_and_skips_other_objects() {
    let input = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: one}
spec: {shape: PeerToPeer, peerToPeer: {replicas: 2, replicationFactor: 3, copies: 1}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: two}
spec: {shape: ThreeTier, load: {writePercent: 101}, threeTier: {client: {replicas: many}}}
---
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {generateName: three-}
spec: {shape: ThreeTier, peerToPeer: {}, clientServer: {}}
";
    let output = lint(&["-f", "-"], input);
    let expected = [
        "stdin: Architecture/one: spec.peerToPeer.copies: unknown field: remove it",
        "stdin: Architecture/one: spec.peerToPeer.replicationFactor: replicationFactor is above \
         replicas, but each copy of an item needs a different peer: lower replicationFactor or \
         raise replicas",
        "stdin: ConfigMap/other: skipped: not an Architecture",
        "stdin: Architecture/two: spec.load.writePercent: Invalid value: 101: should be less than \
         or equal to 100",
        "stdin: Architecture/two: spec.threeTier.client.replicas: Invalid value: \"many\": must be \
         of type integer, not string",
        "stdin: Architecture/three-: valid",
        "stdin: Architecture/three-: note: spec.clientServer is inactive, since the shape is \
         ThreeTier",
        "stdin: Architecture/three-: note: spec.peerToPeer is inactive, since the shape is \
         ThreeTier",
    ];
    assert_eq!(printed(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn checks_items_of_lists_and_several_files() {
    let list = "
apiVersion: v1
kind: List
items:
- {apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {name: a}, spec: {}}
";
    let output = lint(&["-f", "manifests/examples/n-tier.yaml", "-f", "-"], list);
    let expected = [
        "manifests/examples/n-tier.yaml: Architecture/n-tier: valid",
        "stdin: Architecture/a: spec.shape: Required value",
    ];
    assert_eq!(printed(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn input_without_architectures_fails() {
    let output = lint(&["-f", "-"], "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}");
    let expected = [
        "stdin: ConfigMap/x: skipped: not an Architecture",
        "no Architecture: nothing was checked",
    ];
    assert_eq!(printed(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn render_reports_the_same_errors_as_lint() {
    let input = "{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {name: one}, \
                 spec: {shape: ThreeTier, bogus: 1, load: {items: many}}}";
    let output = run("render", &["-f", "-"], input);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let errors = printed(&lint(&["-f", "-"], input));
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| stderr.contains(error.as_str())), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(printed(&output), [""; 0]);
}

#[test]
fn other_versions_and_unknown_top_level_fields_are_errors() {
    let input = "{apiVersion: maquette.dev/v2, kind: Architecture, metadata: {}, \
                 spec: {shape: ThreeTier}, data: {}}";
    let output = lint(&["-f", "-"], input);
    let expected = [
        "stdin: Architecture/?: apiVersion: Invalid value: \"maquette.dev/v2\": use \
         maquette.dev/v1alpha1",
        "stdin: Architecture/?: metadata.name: Required value: set the name of the Architecture",
        "stdin: Architecture/?: data: unknown field: remove it",
    ];
    assert_eq!(printed(&output), expected);
}

#[test]
fn missing_files_and_invalid_yaml_are_errors() {
    let missing = lint(&["-f", "not-there.yaml"], "");
    assert_eq!((missing.status.code(), printed(&missing)), (Some(1), vec![]));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read not-there.yaml"));
    let broken = lint(&["-f", "-"], "a: [");
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("not YAML"));
}

#[test]
fn maquette_crd_prints_the_published_definition() {
    let print = || {
        let output = Command::new(env!("CARGO_BIN_EXE_maquette")).arg("crd").output();
        String::from_utf8(output.expect("maquette runs").stdout).expect("text")
    };
    let published = include_str!("../crds/architecture.yaml");
    let published: String = published.lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert_eq!(print(), print());
    assert!(print() == published, "crds/architecture.yaml is out of date: run `make generate`");
}
