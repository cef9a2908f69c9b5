//! Values of the chart: each has its effect, and errors name the wrong one.

use crate::helm::{repository_file, stderr_of, stdout_of, template, tool};
use serde::Deserialize;
use serde_json::Value;

fn deployment(arguments: &[&str]) -> Value {
    let show = ["--show-only", "templates/deployment.yaml"];
    let yaml = stdout_of(&mut template(&[&show, arguments].concat()));
    serde_norway::from_str(&yaml).expect("YAML")
}

fn documents(yaml: &str) -> Vec<Value> {
    let documents = serde_norway::Deserializer::from_str(yaml);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

#[test]
fn helm_lint_accepts_the_chart() {
    let report =
        stdout_of(tool("helm").args(["lint", "--strict"]).arg(repository_file("charts/maquette")));
    assert!(report.contains("0 chart(s) failed"), "{report}");
}

#[test]
fn chart_and_program_have_the_same_version() {
    let chart =
        std::fs::read_to_string(repository_file("charts/maquette/Chart.yaml")).expect("Chart.yaml");
    let chart: Value = serde_norway::from_str(&chart).expect("YAML");
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn wrong_values_are_refused_by_name() {
    for (wrong, name) in [
        ("replica=3", "replica"),
        ("replicas=many", "replicas"),
        ("logFormat=xml", "logFormat"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespaces={Shop}", "watchNamespaces"),
        ("watchNamespaces=shop", "watchNamespaces"),
    ] {
        let complaint = stderr_of(&mut template(&["--set", wrong]));
        assert!(complaint.contains(name), "{wrong}: {complaint}");
    }
}

#[test]
fn each_release_has_its_own_lease() {
    let documents = |release: &str| {
        let mut helm = tool("helm");
        helm.args(["template", release]).arg(repository_file("charts/maquette"));
        let show =
            ["--show-only", "templates/deployment.yaml", "--show-only", "templates/role.yaml"];
        stdout_of(helm.args(show))
    };
    let other = documents("other");
    assert!(
        other.contains("name: MAQUETTE_LEASE_NAME\n              value: other-maquette\n"),
        "{other}"
    );
    assert!(other.contains("resourceNames:\n    - other-maquette\n"), "{other}");
    let default = documents("maquette");
    assert!(default.contains("resourceNames:\n    - maquette\n"), "{default}");
}

#[test]
fn pod_values_reach_the_pod() {
    let deployment = deployment(&[
        "--set=replicas=2,nodeSelector.disk=fast,logFormat=text,logLevel=debug",
        "--set=image.repository=example.com/maquette,image.tag=edge",
        "--set=workloadImage.repository=example.com/workload,workloadImage.tag=edge",
        "--set-json=tolerations=[{\"key\":\"dedicated\",\"operator\":\"Exists\"}]",
        "--set=resources.limits.memory=1Gi,imagePullSecrets[0].name=registry",
    ]);
    assert_eq!(deployment["spec"]["replicas"], 2);
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"]["disk"], "fast");
    assert_eq!(pod["tolerations"][0]["key"], "dedicated");
    assert_eq!(pod["imagePullSecrets"][0]["name"], "registry");
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "example.com/maquette:edge");
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(container["resources"]["requests"]["memory"], "64Mi");
    let variables = container["env"].to_string();
    for wanted in ["text", "debug", "example.com/workload:edge"] {
        assert!(variables.contains(wanted), "{wanted} is not in {variables}");
    }
}

#[test]
fn watch_namespaces_limits_the_permissions_to_them() {
    let show = ["--show-only", "templates/cluster-role-bindings.yaml"];
    let bindings =
        stdout_of(&mut template(&[&show[..], &["--set=watchNamespaces={shop,lab}"]].concat()));
    for namespace in ["shop", "lab"] {
        assert!(bindings.contains(&format!("namespace: {namespace}\n")), "{bindings}");
    }
    let objects = documents(&bindings);
    let wide: Vec<_> = objects.iter().filter(|one| one["kind"] == "ClusterRoleBinding").collect();
    let [wide] = wide.as_slice() else { panic!("{bindings}") };
    assert_eq!(wide["roleRef"]["name"], "maquette-unwatched");
    let show = ["--show-only", "templates/cluster-roles.yaml"];
    let roles =
        stdout_of(&mut template(&[&show[..], &["--set=watchNamespaces={shop,lab}"]].concat()));
    let objects = documents(&roles);
    let role = objects.iter().find(|one| one["metadata"]["name"] == "maquette-unwatched");
    let rules = role.expect("a role")["rules"].as_array().expect("rules").iter();
    let resources: Vec<_> = rules.flat_map(|rule| rule["resources"].as_array()).flatten().collect();
    assert_eq!(resources, ["storageclasses", "leases"]);
    let pod = deployment(&["--set=watchNamespaces={shop,lab}"]);
    let container = pod["spec"]["template"]["spec"]["containers"][0].to_string();
    assert!(container.contains("shop,lab"), "{container}");
}

#[test]
fn empty_watch_namespaces_means_all_namespaces() {
    let usual = stdout_of(&mut template(&[]));
    assert!(!usual.contains("maquette-unwatched") && !usual.contains("MAQUETTE_NAMESPACES"));
    for nothing in ["watchNamespaces=", "watchNamespaces={}", "watchNamespaces=null"] {
        assert_eq!(stdout_of(&mut template(&["--set", nothing])), usual, "{nothing}");
    }
    let nothing = r#"watchNamespaces=[""]"#;
    assert_eq!(stdout_of(&mut template(&["--set-json", nothing])), usual, "{nothing}");
}

#[test]
fn a_service_monitor_is_installed_where_enabled() {
    let show = ["--show-only", "templates/service-monitor.yaml"];
    let on = ["--set=serviceMonitor.enabled=true,serviceMonitor.labels.release=prom"];
    let monitor = stdout_of(&mut template(&[&show[..], &on].concat()));
    let monitor: Value = serde_norway::from_str(&monitor).expect("YAML");
    assert_eq!(monitor["kind"], "ServiceMonitor");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prom");
    assert!(!stdout_of(&mut template(&[])).contains("ServiceMonitor"));
}
