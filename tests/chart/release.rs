//! A release on a real API server.

use crate::helm::{NAMESPACE, repository_file, stderr_of, stdout_of, tool};
use std::process::Command;

/// A control plane without nodes, removed when the test ends.
struct ControlPlane {
    dir: tempfile::TempDir,
    kubeconfig: String,
}

impl ControlPlane {
    fn up() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut up = tool("maquette-dev-cluster");
        let printed = stdout_of(up.args(["up", "--control-plane", "--dir"]).arg(dir.path()));
        Self { dir, kubeconfig: printed.trim().to_owned() }
    }

    fn run(&self, name: &str) -> Command {
        let mut command = tool(name);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    fn helm(&self, arguments: &[&str]) -> Command {
        let mut helm = self.run("helm");
        helm.args(["--namespace", NAMESPACE]).args(arguments);
        helm
    }

    fn get(&self, arguments: &[&str]) -> Command {
        let mut kubectl = self.run("kubectl");
        kubectl.args(["--namespace", NAMESPACE, "get"]).args(arguments);
        kubectl
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let mut down = tool("maquette-dev-cluster");
        stdout_of(down.args(["down", "--dir"]).arg(self.dir.path()));
    }
}

#[test]
fn a_release_is_installed_upgraded_and_uninstalled() {
    let cluster = ControlPlane::up();
    let chart = repository_file("charts/maquette");
    let chart = chart.to_str().expect("a path in UTF-8");

    stdout_of(&mut cluster.helm(&["install", "maquette", chart, "--create-namespace"]));
    let replicas = ["deployment", "maquette", "-o", "jsonpath={.spec.replicas}"];
    assert_eq!(stdout_of(&mut cluster.get(&replicas)), "1");
    assert_eq!(stdout_of(&mut cluster.get(&["architectures", "-o", "name"])), "");

    stdout_of(&mut cluster.helm(&["upgrade", "maquette", chart, "--set=replicas=2"]));
    assert_eq!(stdout_of(&mut cluster.get(&replicas)), "2");

    stdout_of(&mut cluster.helm(&["uninstall", "maquette"]));
    let gone = stderr_of(&mut cluster.get(&["deployment", "maquette"]));
    assert!(gone.contains("NotFound"), "{gone}");
    let kept = stdout_of(&mut cluster.get(&["crd", "architectures.maquette.dev", "-o", "name"]));
    assert!(kept.contains("architectures.maquette.dev"), "{kept}");

    // A new release adopts the definition that was kept.
    stdout_of(&mut cluster.helm(&["install", "maquette", chart]));
}
