//! Peers: the loss of any one, and the return of all.

use crate::support::{Model, eventually, run, seconds};
use kube::ResourceExt;

const FIVE_PEERS: &str = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: ring}
spec:
  shape: PeerToPeer
  peerToPeer: {replicas: 5, replicationFactor: 3}
  load: {requestsPerSecond: 20, writePercent: 50}
";
const PEERS: &str = "peers";

/// Waits until every peer sees all five and no item is under-replicated.
async fn await_fully_replicated(model: &Model) {
    eventually("five peers see each other and are fully replicated", seconds(180), async || {
        for pod in model.pods(PEERS).await {
            let name = pod.name_any();
            let report = model.observations(&name).await?.peer;
            let peer = report.ok_or_else(|| format!("{name} reports as no peer"))?;
            if peer.members.len() != 5 || peer.under_replicated > 0 {
                return Err(format!("{name}: {peer:?}"));
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn losing_any_of_five_peers_loses_no_write() {
    run("a-peer-killed", FIVE_PEERS, async |model| {
        let before = model.load().await;
        let written = model.write_many("books", 40).await;
        for ordinal in 0..5 {
            let pods = model.pods(PEERS).await;
            let pod = &pods[ordinal];
            model.kill_pod(&pod.name_any()).await;
            model.read_all_back(&written).await;
            model.await_replaced(PEERS, std::slice::from_ref(pod), 5).await;
            await_fully_replicated(model).await;
        }
        model.await_ready().await;
        model.read_all_back(&written).await;
        let after = model.await_load(before, 100).await;
        assert_eq!(after.lost_writes, 0, "{after:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn items_survive_the_loss_of_all_peers() {
    run("all-peers-killed", FIVE_PEERS, async |model| {
        let before = model.load().await;
        let written = model.write_many("books", 40).await;
        let pods = model.pods(PEERS).await;
        for pod in &pods {
            model.kill_pod(&pod.name_any()).await;
        }
        model.await_replaced(PEERS, &pods, 5).await;
        await_fully_replicated(model).await;
        model.await_ready().await;
        model.read_all_back(&written).await;
        let after = model.await_load(before, 100).await;
        assert_eq!(after.lost_writes, 0, "{after:?}");
    })
    .await;
}
