//! `Ready` is true only while the whole model works, and its message names what does not.

use crate::support::{Model, run, seconds};
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use kube::api::{DeleteParams, ObjectMeta, PostParams};

const MODEL: &str = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: truth}
spec:
  shape: ThreeTier
  load: {requestsPerSecond: 10}
";

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn ready_is_false_while_the_store_is_stopped() {
    run("store-stopped", MODEL, async |model| {
        forbid_pods(model).await;
        let pods = model.pods("data").await;
        model.delete_pod(&pods[0].name_any()).await;
        let condition = model.await_condition("Ready", "False", seconds(30)).await;
        assert!(condition.message.contains("data"), "no component is named: {}", condition.message);
        allow_pods(model).await;
        model.await_replaced("data", &pods, 1).await;
        model.await_ready().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn ready_is_false_while_an_image_cannot_be_pulled() {
    run("no-image", MODEL, async |model| {
        let image = "  pods: {image: \"127.0.0.1:1/there/is:none\"}\n";
        model.apply(&format!("{MODEL}{image}")).await;
        let condition = model.await_condition("Ready", "False", seconds(30)).await;
        assert!(condition.message.contains("data"), "no component is named: {}", condition.message);
        model.apply(MODEL).await;
        model.await_ready().await;
    })
    .await;
}

/// Creates a quota of no pods: a deleted pod is not replaced, and the operator cannot change that.
async fn forbid_pods(model: &Model) {
    let none = [("pods".to_owned(), Quantity("0".to_owned()))].into();
    let quota = ResourceQuota {
        metadata: ObjectMeta { name: Some("no-pods".to_owned()), ..ObjectMeta::default() },
        spec: Some(ResourceQuotaSpec { hard: Some(none), ..ResourceQuotaSpec::default() }),
        ..ResourceQuota::default()
    };
    let api = model.api::<ResourceQuota>();
    api.create(&PostParams::default(), &quota).await.expect("a quota");
    crate::support::eventually("the quota is in force", seconds(30), async || {
        let status = api.get("no-pods").await.map_err(|error| error.to_string())?.status;
        status.and_then(|status| status.hard).map(drop).ok_or_else(|| "no status yet".to_owned())
    })
    .await;
}

async fn allow_pods(model: &Model) {
    let api = model.api::<ResourceQuota>();
    api.delete("no-pods", &DeleteParams::default()).await.expect("the quota deleted");
}
