//! Runs Helm and the other programs that `make tools` builds.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The namespace of `manifests/install.yaml` and of the releases here.
pub(crate) const NAMESPACE: &str = "maquette-system";

/// A file of the repository.
pub(crate) fn repository_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A program in `bin/`.
pub(crate) fn tool(name: &str) -> Command {
    let path = repository_file("bin").join(name);
    assert!(path.exists(), "{} is missing: run make tools", path.display());
    Command::new(path)
}

/// The standard output of a command that must succeed.
pub(crate) fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The standard error of a command that must fail.
pub(crate) fn stderr_of(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// `helm template` with these arguments.
pub(crate) fn template(arguments: &[&str]) -> Command {
    let mut helm = tool("helm");
    helm.args(["template", "maquette"]).arg(repository_file("charts/maquette"));
    helm.args(["--namespace", NAMESPACE]).args(arguments);
    helm
}
