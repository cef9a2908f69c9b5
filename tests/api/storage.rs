//! Volumes that fill up, and damaged items: what pods report of them reaches users. A fake kubelet
//! reports for the pods.

use crate::support::{FakeKubelet, Operator, Request, TestNamespace, eventually, soon};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use maquette_contract::{DamagedItems, VolumeObservation};

/// Waits for a Warning Event of this reason; there must be one only. Returns its note.
async fn await_warning(namespace: &TestNamespace, reason: &str) -> String {
    eventually(&format!("an Event {reason}"), soon(), async || {
        let events = namespace.api::<Event>().list(&ListParams::default()).await;
        let mut events = events.map_err(|error| error.to_string())?.items;
        events.retain(|event| event.reason.as_deref() == Some(reason));
        let [event] = events.as_slice() else { return Err(format!("{} of them", events.len())) };
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        assert!(event.series.is_none(), "{event:?}");
        Ok(event.note.clone().unwrap_or_default())
    })
    .await
}

/// How often operators have written the status of an Architecture.
fn status_writes(namespace: &TestNamespace) -> usize {
    let requests = Request::within(&namespace.name).into_iter();
    requests.filter(|request| request.resource == "architectures/status").count()
}

/// Waits until each pod of a three-tier has reported several times more.
async fn await_more_reports(kubelet: &FakeKubelet) {
    let before = kubelet.behavior().reports;
    eventually("more reports", soon(), async || {
        let more = kubelet.behavior().reports - before;
        if more >= 16 { Ok(()) } else { Err(format!("{more} reports")) }
    })
    .await;
}

fn volume(free_bytes: u64, full: bool) -> VolumeObservation {
    VolumeObservation { bytes: 1000, free_bytes, full }
}

#[tokio::test]
async fn a_volume_that_fills_up_warns_and_then_is_not_ready() {
    let namespace = TestNamespace::new("full-volume").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;

    let pod = "shop-data-0".to_owned();
    kubelet.behavior().volumes.insert(pod.clone(), volume(90, false));
    let note = await_warning(&namespace, "VolumeNearlyFull").await;
    assert!(
        note.contains("data: the volume of pod shop-data-0 is about 90 % full or more"),
        "{note}"
    );
    namespace.await_ready("shop").await;

    kubelet.behavior().volumes.insert(pod.clone(), volume(10, true));
    let full = |c: &crate::support::Condition| c.reason == "VolumeFull";
    let ready = namespace.await_condition("shop", "Ready", soon(), full).await;
    assert_eq!(ready.status, "False");
    for part in ["shop-data-0 is full and refuses writes", "raise storage.size", "delete items"] {
        assert!(ready.message.contains(part), "{}", ready.message);
    }
    await_warning(&namespace, "VolumeFull").await;
    let written = status_writes(&namespace);
    await_more_reports(&kubelet).await;
    assert_eq!(status_writes(&namespace), written, "in a steady state");

    kubelet.behavior().volumes.insert(pod, volume(500, false));
    namespace.await_ready("shop").await;
    await_warning(&namespace, "VolumeFull").await;
}

#[tokio::test]
async fn damaged_items_are_named_and_the_model_stays_ready() {
    let namespace = TestNamespace::new("damaged-items").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    namespace.await_ready("shop").await;
    let examples = vec!["orders/7".to_owned(), "orders/9".to_owned()];
    let damaged = DamagedItems { count: 3, examples };
    kubelet.behavior().damaged.insert("shop-peers-1".to_owned(), damaged);
    let found =
        namespace.await_condition("shop", "ItemsDamaged", soon(), |c| c.status == "True").await;
    let part = "peers: pod shop-peers-1 knows 3 damaged items: orders/7, orders/9 and others";
    assert!(found.message.starts_with(part), "{}", found.message);
    assert!(await_warning(&namespace, "DamagedItems").await.starts_with(part));
    namespace.await_ready("shop").await;
    let written = status_writes(&namespace);
    await_more_reports(&kubelet).await;
    assert_eq!(status_writes(&namespace), written, "in a steady state");
    await_warning(&namespace, "DamagedItems").await;
}
