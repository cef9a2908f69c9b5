//! A permission that is missing in one namespace, or for one kind, stops nothing else and is named.

use crate::support::{FakeKubelet, Operator, Request, TestNamespace, eventually, seconds, soon};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::{Api, api::PostParams};
use std::time::Instant;
use tempfile::TempDir;

#[tokio::test]
async fn a_missing_permission_stops_nothing_else_and_is_named() {
    let whole = TestNamespace::new("granted").await;
    let partial = TestNamespace::new("partial").await;
    let lost = TestNamespace::new("lost").await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let kubeconfig = directory.path().join("kubeconfig");
    whole.grant_operator(&kubeconfig).await;
    partial.bind_rules(rules_without(&partial, "statefulsets").await, &whole.name).await;
    for namespace in [&whole, &partial, &lost] {
        namespace.apply("shop", "{shape: ThreeTier}").await;
    }
    let started_at = Instant::now();
    let scope = ["--namespaces", "granted,partial,lost", "--leader-elect", "false"];
    let operator = Operator::start_as(&kubeconfig, &scope);

    whole.await_children("shop").await;
    eventually("it is ready", soon(), async || operator.probe("/readyz").await).await;
    operator.probe("/livez").await.expect("it is alive");
    let ready =
        partial.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert_eq!(
        ready.message,
        "the operator may not list statefulsets in namespace partial: apply the RoleBinding of the \
         chart in that namespace, or add the verbs list and watch for statefulsets"
    );
    assert_eq!(partial.children("shop").await.len(), 0, "what runs is unknown");
    assert_lists_back_off(started_at);
    let failures = operator.log().matches("the watch failed").count();
    assert_eq!(failures, 1 + 9, "each watch that fails is logged once: {}", operator.log());
    let failing = r#"maquette_watch_failing{resource="statefulsets",scope="partial"}"#;
    assert_metric(&operator, failing, "1").await;

    partial.bind_operator(&whole.name).await;
    partial.await_children("shop").await;
    assert_metric(&operator, failing, "0").await;
}

/// The rules of the operator, without those that list a resource.
async fn rules_without(namespace: &TestNamespace, resource: &str) -> Vec<PolicyRule> {
    let roles: Api<ClusterRole> = Api::all(namespace.client.clone());
    let mut rules = roles.get("maquette").await.expect("a role").rules.expect("rules");
    for rule in &mut rules {
        rule.resources.iter_mut().for_each(|names| names.retain(|name| name != resource));
    }
    rules
}

/// The first wait is 0.6 s at least, and each further one twice as long.
fn assert_lists_back_off(started_at: Instant) {
    let elapsed = started_at.elapsed().as_secs_f64();
    let most = (elapsed / 0.6 + 1.0).log2().ceil() + 1.0;
    for namespace in ["partial", "lost"] {
        let requests = Request::within(namespace);
        let lists = requests.iter().filter(|r| r.verb == "list" && r.resource == "statefulsets");
        let lists = u32::try_from(lists.count()).expect("a few");
        assert!(f64::from(lists) <= most, "{lists} lists in {elapsed} s in {namespace}");
        assert!(lists >= 2, "{lists} lists in {elapsed} s in {namespace}");
    }
}

async fn assert_metric(operator: &Operator, name: &str, value: &str) {
    let wanted = format!("{name} {value}");
    eventually(&wanted, seconds(30), async || {
        let metrics = operator.metrics().await;
        let is_shown = metrics.lines().any(|line| line == wanted);
        if is_shown { Ok(()) } else { Err(metrics) }
    })
    .await;
}

#[tokio::test]
async fn a_write_that_is_forbidden_is_named_and_events_that_are_forbidden_stop_nothing() {
    let namespace = TestNamespace::new("forbidden").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let (_directory, _operator) = start_with_rules(&namespace, |rule| {
        let forbidden = match rule.resources.as_deref().unwrap_or_default() {
            [one] if one == "poddisruptionbudgets" => vec!["create"],
            [one] if one == "events" => vec!["create", "patch"],
            _ => vec![],
        };
        rule.verbs.retain(|verb| !forbidden.contains(&verb.as_str()));
    })
    .await;
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert_eq!(ready.status, "False");
    for part in ["PodDisruptionBudget shop-peers", "forbidden", "cannot create resource"] {
        assert!(ready.message.contains(part), "{part} is not in {}", ready.message);
    }
    let roles = namespace.api::<Role>();
    let mut role = roles.get("some").await.expect("a role");
    role.rules = Some(rules_without(&namespace, "nothing").await);
    roles.replace("some", &PostParams::default(), &role).await.expect("replaced");
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

/// A watch goes on with the permissions of its start: it ends after 45 to 50 s.
#[tokio::test]
async fn a_permission_that_is_revoked_is_named_and_its_return_is_noticed() {
    let namespace = TestNamespace::new("revoked").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let (_directory, operator) = start_with_rules(&namespace, |_| ()).await;
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let roles = namespace.api::<Role>();
    let mut role = roles.get("some").await.expect("a role");
    let all = role.rules.replace(rules_without(&namespace, "services").await);
    roles.replace("some", &PostParams::default(), &role).await.expect("replaced");
    let ready = namespace
        .await_condition("shop", "Ready", seconds(120), |c| c.reason == "ApplyFailed")
        .await;
    assert!(
        ready.message.starts_with("the operator may not watch services in namespace revoked"),
        "{}",
        ready.message
    );
    operator.probe("/livez").await.expect("it is alive");
    let mut role = roles.get("some").await.expect("a role");
    role.rules = all;
    roles.replace("some", &PostParams::default(), &role).await.expect("replaced");
    namespace.await_condition("shop", "Ready", seconds(60), |c| c.status == "True").await;
}

/// An operator with the rules of the chart, changed by `change`, in one namespace only.
async fn start_with_rules(
    namespace: &TestNamespace,
    change: impl Fn(&mut PolicyRule),
) -> (TempDir, Operator) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let kubeconfig = directory.path().join("kubeconfig");
    namespace.add_account(&kubeconfig).await;
    let mut rules = rules_without(namespace, "nothing").await;
    rules.iter_mut().for_each(change);
    rules.retain(|rule| !rule.verbs.is_empty());
    namespace.bind_rules(rules, &namespace.name).await;
    let scope = ["--namespaces", &namespace.name, "--leader-elect", "false"];
    let operator = Operator::start_as(&kubeconfig, &scope);
    (directory, operator)
}
