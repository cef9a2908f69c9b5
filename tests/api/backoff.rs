//! A failing Architecture reports why, and is retried with exponential backoff.

use crate::support::{Operator, Request, TestNamespace, eventually, seconds, soon};
use k8s_openapi::api::core::v1::{ResourceQuota, Service};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};

#[tokio::test]
async fn a_failing_architecture_backs_off_and_reports_why() {
    let namespace = TestNamespace::new("failing").await;
    forbid_services(&namespace).await;
    let operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier, load: {requestsPerSecond: 0}}").await;
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "ApplyFailed").await;
    assert_eq!(ready.status, "False");
    assert!(ready.message.contains("Service shop"), "{}", ready.message);
    assert!(ready.message.contains("exceeded quota"), "{}", ready.message);
    eventually("four attempts", soon(), async || {
        let waits = waits(&operator.log());
        if waits.len() >= 4 { Ok(()) } else { Err(format!("{waits:?}")) }
    })
    .await;
    // 1, 2, 4 and 8 seconds, minus a jitter of at most a quarter.
    for (wait, most) in waits(&operator.log()).into_iter().zip([1.0, 2.0, 4.0, 8.0]) {
        assert!(wait <= most && wait >= 0.74 * most, "{:?}", waits(&operator.log()));
    }
    assert!(operator.log().contains("exceeded quota"), "{}", operator.log());
    let creates = Request::within(&namespace.name).into_iter().filter(|r| r.verb == "create");
    let services = creates.filter(|r| r.resource == "services").count();
    assert!(services <= 5 * 5, "{services} attempts to make a Service");
    // Without the quota the rest is created.
    allow_services(&namespace).await;
    let rest =
        namespace.await_condition("shop", "Ready", soon(), |c| c.reason != "ApplyFailed").await;
    assert_eq!(rest.reason, "ComponentsNotReady");
}

#[tokio::test]
async fn a_new_specification_resets_the_backoff() {
    let namespace = TestNamespace::new("failing-new").await;
    forbid_services(&namespace).await;
    let operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    eventually("it waits for more than 5 s", soon(), async || {
        let waits = waits(&operator.log());
        waits.iter().any(|wait| *wait > 5.0).then_some(()).ok_or_else(|| format!("{waits:?}"))
    })
    .await;
    allow_services(&namespace).await;
    namespace.apply("shop", "{shape: ClientServer}").await;
    namespace.await_condition("shop", "Ready", seconds(3), |c| c.reason != "ApplyFailed").await;
}

#[tokio::test]
async fn a_failing_architecture_blocks_no_other() {
    let namespace = TestNamespace::new("failing-one").await;
    let theirs =
        "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {ports: [{port: 5}]}}";
    let theirs: Service = serde_norway::from_str(theirs).expect("YAML");
    namespace.api::<Service>().create(&PostParams::default(), &theirs).await.expect("created");
    let _operator = Operator::start(&namespace.name);
    namespace.apply("bad", "{shape: ThreeTier}").await;
    namespace.await_condition("bad", "Ready", soon(), |c| c.reason == "Conflict").await;
    namespace.apply("good", "{shape: ThreeTier}").await;
    namespace.await_children("good").await;
}

/// The backoff after each failure, in seconds.
fn waits(log: &str) -> Vec<f64> {
    let found =
        log.lines().filter_map(|line| line.split_once("retry_in_seconds=")?.1.split(' ').next());
    found.filter_map(|number| number.parse().ok()).collect()
}

async fn forbid_services(namespace: &TestNamespace) {
    let text = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}, spec: {hard: \
                {count/services: '0'}}}";
    let quota: ResourceQuota = serde_norway::from_str(text).expect("YAML");
    let api = namespace.api::<ResourceQuota>();
    api.create(&PostParams::default(), &quota).await.expect("created");
    eventually("the quota is in force", soon(), async || {
        let status = api.get("none").await.map_err(|error| error.to_string())?.status;
        status.and_then(|status| status.hard).map(drop).ok_or_else(|| "no status yet".to_owned())
    })
    .await;
}

async fn allow_services(namespace: &TestNamespace) {
    let api = namespace.api::<ResourceQuota>();
    api.delete("none", &DeleteParams::default()).await.expect("deleted");
    // The API server enforces a quota for a moment after its deletion.
    eventually("Services can be made", soon(), async || {
        let text = "{apiVersion: v1, kind: Service, metadata: {generateName: try-}, spec: {ports: \
                    [{port: 5}]}}";
        let service: Service = serde_norway::from_str(text).expect("YAML");
        let made = namespace.api::<Service>().create(&PostParams::default(), &service).await;
        made.map(drop).map_err(|error| error.to_string())
    })
    .await;
    for service in namespace.api::<Service>().list(&ListParams::default()).await.expect("a list") {
        if service.name_any().starts_with("try-") {
            let api = namespace.api::<Service>();
            api.delete(&service.name_any(), &DeleteParams::default()).await.expect("deleted");
        }
    }
}
