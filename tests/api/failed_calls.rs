//! A call that fails is an issue of its object: the status is always written, and nothing that
//! depends on the call is done.

use crate::support::{
    CLOSED_PORT, FakeKubelet, Operator, TestNamespace, Webhook, eventually, seconds, soon,
};
use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Service},
};
use kube::{Api, ResourceExt, api::PostParams};
use tokio::net::TcpListener;

/// Waits until the API server calls the webhook for every new object of a kind.
async fn await_refusal(namespace: &TestNamespace, probe: &str) {
    let probe: ConfigMap = serde_norway::from_str(probe).expect("YAML");
    let params = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the webhook is called", soon(), async || {
        match namespace.api::<ConfigMap>().create(&params, &probe).await {
            Ok(_) => Err("not yet".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await;
}

const PROBE: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: probe}}";

#[tokio::test]
async fn a_webhook_that_is_down_is_reported_and_stops_what_depends_on_it() {
    let namespace = TestNamespace::new("webhook-down").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let webhook = Webhook::add(&namespace, "configmaps", CLOSED_PORT).await;
    await_refusal(&namespace, PROBE).await;
    // A new owner of all items, other peers and no store: configurations change.
    namespace.apply("shop", "{shape: PeerToPeer, threeTier: {client: {replicas: 3}}}").await;
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert_eq!(ready.status, "False");
    for part in ["ConfigMap shop-peers", "failed calling webhook", "connection refused"] {
        assert!(ready.message.contains(part), "{part} is not in {}", ready.message);
    }
    let names: Vec<_> = namespace.children("shop").await.into_keys().collect();
    assert!(!names.contains(&"StatefulSet shop-peers".to_owned()), "made without settings");
    assert!(names.contains(&"StatefulSet shop-data".to_owned()), "deleted: {names:?}");
    webhook.remove().await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_holds_up_no_status() {
    let namespace = TestNamespace::new("webhook-hangs").await;
    // It accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let webhook = Webhook::add(&namespace, "deployments, configmaps", port).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let ready =
        namespace.await_condition("shop", "Ready", seconds(60), |c| c.status == "False").await;
    assert_eq!(ready.reason, "ApplyFailed", "{}", ready.message);
    assert!(ready.message.contains("failed calling webhook"), "{}", ready.message);
    webhook.remove().await;
    namespace.await_children("shop").await;
}

#[tokio::test]
async fn volumes_are_retained_although_the_rest_of_a_change_is_refused() {
    let namespace = TestNamespace::new("retain-refused").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let refused = "{client: {resources: {requests: {cpu: 2}, limits: {cpu: 1}}}}";
    let spec = format!("{{shape: ThreeTier, threeTier: {refused}, {RETAIN}}}");
    namespace.apply("shop", &spec).await;
    namespace.await_condition("shop", "Accepted", soon(), |c| c.reason == "Refused").await;
    assert_retained(&namespace).await;
}

#[tokio::test]
async fn volumes_are_retained_while_a_webhook_is_down() {
    let namespace = TestNamespace::new("retain-webhook").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let all = "configmaps, services, deployments, statefulsets, poddisruptionbudgets";
    let webhook = Webhook::add(&namespace, all, CLOSED_PORT).await;
    await_refusal(&namespace, PROBE).await;
    let replicas = "threeTier: {client: {replicas: 3}}";
    namespace.apply("shop", &format!("{{shape: ThreeTier, {replicas}, {RETAIN}}}")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert_retained(&namespace).await;
    webhook.remove().await;
}

#[tokio::test]
async fn a_long_refusal_of_many_objects_is_cut() {
    let namespace = TestNamespace::new("long-refusals").await;
    let policies = Api::<ValidatingAdmissionPolicy>::all(namespace.client.clone());
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(namespace.client.clone());
    let policy = format!(
        "{{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, \
         metadata: {{name: long-refusals}}, spec: {{matchConstraints: {{resourceRules: [{{apiGroups: \
         [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}}]}}, validations: \
         [{{expression: 'false', message: '{}'}}]}}}}",
        "no ".repeat(600)
    );
    let binding = "{apiVersion: admissionregistration.k8s.io/v1, kind: \
                   ValidatingAdmissionPolicyBinding, metadata: {name: long-refusals}, spec: \
                   {policyName: long-refusals, validationActions: [Deny], matchResources: \
                   {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: \
                   long-refusals}}}}}";
    let params = PostParams::default();
    policies.create(&params, &serde_norway::from_str(&policy).expect("YAML")).await.expect("it");
    bindings.create(&params, &serde_norway::from_str(binding).expect("YAML")).await.expect("it");
    await_refusal(&namespace, PROBE).await;
    let _operator = Operator::start(&namespace.name);
    let others = 1..24;
    let calls: Vec<_> = others.clone().map(|n| format!("{{service: s{n}}}")).collect();
    let services: Vec<_> = others.map(|n| format!("{{name: s{n}}}")).collect();
    let entry = format!("{{name: s0, calls: [{}]}}", calls.join(", "));
    let spec = format!("{{shape: NTier, nTier: {{services: [{entry}, {}]}}}}", services.join(", "));
    namespace.apply("shop", &spec).await;
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert!(ready.message.len() <= 4096, "{} bytes", ready.message.len());
    assert!(ready.message.contains("no no no"), "{}", ready.message);
}

const RETAIN: &str = "retention: {whenDeleted: Retain}";

/// Deletes the Architecture; its volume stays.
async fn assert_retained(namespace: &TestNamespace) {
    let claims = namespace.api::<PersistentVolumeClaim>();
    let claim = claims.get("data-shop-data-0").await.expect("a claim");
    assert_eq!(claim.owner_references(), []);
    namespace.delete("shop").await;
    // The garbage collector deletes what has an owner.
    eventually("the children are gone", soon(), async || {
        let services = namespace.api::<Service>().get_opt("shop").await;
        let deployments = namespace.api::<Deployment>().get_opt("shop-client").await;
        match (services.map_err(|e| e.to_string())?, deployments.map_err(|e| e.to_string())?) {
            (None, None) => Ok(()),
            _ => Err("some are left".to_owned()),
        }
    })
    .await;
    let claim = claims.get("data-shop-data-0").await.expect("it stays");
    assert_eq!(claim.metadata.deletion_timestamp, None);
}
