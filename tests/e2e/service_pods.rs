//! Services: the loss of one of several pods fails no request.

use crate::support::run;
use kube::ResourceExt;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn losing_one_of_two_business_pods_fails_no_request() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: two}
spec:
  shape: ThreeTier
  threeTier:
    business: {replicas: 2}
  load: {requestsPerSecond: 40}
";
    run("business-killed", manifest, async |model| {
        let before = model.await_load(model.load().await, 100).await;
        let pods = model.pods("business").await;
        model.kill_pod(&pods[0].name_any()).await;
        model.await_replaced("business", &pods[..1], 2).await;
        model.await_ready().await;
        let between = model.await_load(before, 200).await;
        assert_eq!(between.failed, before.failed, "after a kill: {between:?}");

        let pods = model.pods("business").await;
        model.delete_pod(&pods[0].name_any()).await;
        model.await_replaced("business", &pods[..1], 2).await;
        model.await_ready().await;
        let after = model.await_load(between, 200).await;
        assert_eq!(after.failed, before.failed, "after a deletion: {after:?}");
        assert_eq!(after.lost_writes, 0, "{after:?}");
    })
    .await;
}
