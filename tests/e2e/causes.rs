//! What stands in the way is named, and the fix works.

use crate::support::{Model, eventually, run, seconds};
use k8s_openapi::api::core::v1::{LimitRange, PersistentVolumeClaim};
use kube::api::{DeleteParams, PostParams};

const MODEL: &str = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: shop}
spec:
  shape: ThreeTier
";

/// Waits until the message of `Ready` has this part.
async fn await_message(model: &Model, part: &str) {
    eventually(&format!("Ready says {part:?}"), seconds(60), async || {
        let message = model.condition("Ready").await?.message;
        if message.contains(part) { Ok(()) } else { Err(message) }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn a_storage_class_typo_is_named_and_corrected() {
    run("class-typo", MODEL, async |model| {
        model
            .api::<maquette::api::Architecture>()
            .delete(&model.name, &DeleteParams::default())
            .await
            .expect("deleted");
        let claims = model.api::<PersistentVolumeClaim>();
        eventually("the volume is gone", seconds(60), async || {
            let found = claims.get_opt("data-shop-data-0").await.map_err(|e| e.to_string())?;
            found.map_or(Ok(()), |_| Err("it is there".to_owned()))
        })
        .await;
        let typo = "  threeTier: {data: {storage: {size: 100Mi, storageClassName: fast-ssd}}}\n";
        model.apply(&format!("{MODEL}{typo}")).await;
        await_message(model, "no StorageClass fast-ssd; there are: ").await;
        model.apply(&format!("{MODEL}  threeTier: {{data: {{storage: {{size: 100Mi}}}}}}\n")).await;
        model.await_ready().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn pods_that_a_limit_range_refuses_are_named_and_fixed() {
    run("limit-range", MODEL, async |model| {
        let limits: LimitRange = serde_norway::from_str(
            "{metadata: {name: sane}, spec: {limits: [{type: Container, max: {cpu: '1', memory: \
             200Mi}, maxLimitRequestRatio: {cpu: '10'}}]}}",
        )
        .expect("YAML");
        let api = model.api::<LimitRange>();
        api.create(&PostParams::default(), &limits).await.expect("created");
        for component in ["data", "load"] {
            model.kill_pod(&first_pod(model, component).await).await;
        }
        await_message(model, "pods are refused").await;
        await_message(model, "data").await;
        let fits = "{resources: {requests: {cpu: 100m}, limits: {memory: 200Mi}}}";
        let tiers = format!("{{client: {fits}, business: {fits}, data: {fits}}}");
        model.apply(&format!("{MODEL}  threeTier: {tiers}\n  load: {fits}\n")).await;
        model.await_ready().await;
    })
    .await;
}

async fn first_pod(model: &Model, component: &str) -> String {
    let pods = model.pods(component).await;
    pods[0].metadata.name.clone().expect("a name")
}
