//! Which Events users see, and their notes. A fake kubelet reports for the pods.

use crate::support::{FakeKubelet, Operator, TestNamespace, eventually, soon};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{core::v1::Pod, events::v1::Event};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use maquette::api::Architecture;
use serde_json::json;
use std::{
    collections::BTreeSet,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinSet;

/// The Events about the Architecture, as type, reason and note.
async fn events(namespace: &TestNamespace) -> Vec<String> {
    let list = namespace.api::<Event>().list(&ListParams::default()).await.expect("a list");
    let about_shop = list.into_iter().filter(|event| {
        event.regarding.as_ref().is_some_and(|about| about.kind.as_deref() == Some("Architecture"))
    });
    let line = |event: Event| {
        let text = |part: Option<String>| part.unwrap_or_default();
        format!("{} {}: {}", text(event.type_), text(event.reason), text(event.note))
    };
    about_shop.map(line).collect()
}

async fn warnings(namespace: &TestNamespace) -> Vec<String> {
    let mut events = events(namespace).await;
    events.retain(|event| event.starts_with("Warning"));
    events
}

/// Records status and reason of `Ready`.
struct ReadyRecorder {
    recorded: Arc<Mutex<BTreeSet<String>>>,
    _tasks: JoinSet<()>,
}

impl ReadyRecorder {
    fn start(namespace: &TestNamespace) -> Self {
        let recorded = Arc::<Mutex<BTreeSet<String>>>::default();
        let into = Arc::clone(&recorded);
        let events = watcher(namespace.api::<Architecture>(), watcher::Config::default());
        let course = events.default_backoff().applied_objects().into_stream();
        let record = course.for_each(move |found| {
            let status = found.ok().and_then(|found| found.status).unwrap_or_default();
            if let Some(ready) = status.conditions.iter().find(|c| c.type_ == "Ready") {
                let line = format!("{} {}: {}", ready.status, ready.reason, ready.message);
                into.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
            }
            ready(())
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(record);
        Self { recorded, _tasks: tasks }
    }

    /// What made `Ready` false, other than a change.
    fn faults(&self) -> Vec<String> {
        let seen = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = seen.iter().filter(|line| line.starts_with("False "));
        faults.filter(|line| !line.starts_with("False Evolving")).cloned().collect()
    }
}

#[tokio::test]
async fn healthy_changes_warn_of_nothing() {
    let namespace = TestNamespace::new("no-warning").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    assert_eq!(warnings(&namespace).await, [""; 0]);
    let recorder = ReadyRecorder::start(&namespace);
    for spec in [
        // Settings, the number of pods, the pods themselves.
        "{shape: ThreeTier, load: {requestsPerSecond: 9}}",
        "{shape: ThreeTier, threeTier: {business: {replicas: 3}}}",
        "{shape: ThreeTier, threeTier: {business: {replicas: 1}}}",
        "{shape: ThreeTier, threeTier: {business: {resources: {limits: {cpu: 2}}}}}",
        "{shape: ThreeTier, threeTier: {data: {resources: {limits: {cpu: 2}}}}}",
        // The shape.
        "{shape: NTier}",
        "{shape: PeerToPeer, peerToPeer: {replicas: 3}}",
        "{shape: PeerToPeer, peerToPeer: {replicas: 4}}",
        "{shape: PeerToPeer, peerToPeer: {replicas: 3}}",
        "{shape: ClientServer}",
    ] {
        namespace.apply("shop", spec).await;
        namespace.await_ready("shop").await;
        assert_eq!(warnings(&namespace).await, [""; 0], "{spec}");
        assert_eq!(recorder.faults(), [""; 0], "{spec}");
    }
    // Each Event has the note of its own time.
    let all_work: Vec<_> = events(&namespace)
        .await
        .into_iter()
        .filter_map(|event| Some(event.strip_prefix("Normal AllWorks: ")?.to_owned()))
        .collect();
    for components in ["4 components", "2 components", "7 components", "3 components"] {
        let has_note = all_work.iter().any(|note| note.starts_with(components));
        assert!(has_note, "{components}: {all_work:?}");
    }
}

#[tokio::test]
async fn what_breaks_during_a_change_is_warned_of() {
    let namespace = TestNamespace::new("breaks").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Evolving").await;
    assert_eq!(warnings(&namespace).await, [""; 0]);
    kubelet.behavior().failing.insert(("business".to_owned(), "data".to_owned()));
    namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "EdgesFailing").await;
    eventually("the warning", soon(), async || {
        let warnings = warnings(&namespace).await;
        let found = warnings.iter().any(|warning| warning.contains("business -> data"));
        if found { Ok(()) } else { Err(format!("{warnings:?}")) }
    })
    .await;
    kubelet.behavior().failing.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Evolving").await;
    kubelet.behavior().down.clear();
    namespace.await_ready("shop").await;
}

/// Sets the status that a kubelet sets when a pod's image cannot be pulled.
pub(crate) async fn fail_pull(namespace: &TestNamespace, component: &str) {
    let api = namespace.api::<Pod>();
    let pod = eventually("the pod exists", soon(), async || {
        let pods = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let prefix = format!("shop-{component}-");
        pods.into_iter().find(|pod| pod.name_any().starts_with(&prefix)).ok_or("no pod".to_owned())
    })
    .await;
    let container = &pod.spec.as_ref().expect("a spec").containers[0];
    let waiting = json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image"});
    let patch = json!({"status": {"containerStatuses": [{
        "name": container.name, "image": container.image, "imageID": "", "ready": false,
        "restartCount": 0, "state": {"waiting": waiting},
    }]}});
    let patch = Patch::Strategic(patch);
    api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.expect("patched");
}

#[tokio::test]
async fn a_new_architecture_whose_image_cannot_be_pulled_is_warned_of_once() {
    let namespace = TestNamespace::new("pull").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    fail_pull(&namespace, "client").await;
    let stalled =
        namespace.await_condition("shop", "Stalled", soon(), |c| c.reason == "PodsNotReady").await;
    assert!(stalled.message.contains("cannot be pulled"), "{}", stalled.message);
    fail_pull(&namespace, "data").await;
    namespace.await_condition("shop", "Stalled", soon(), |c| c.message.contains("data")).await;
    let warnings = eventually("the warning", soon(), async || {
        let warnings = warnings(&namespace).await;
        if warnings.is_empty() { Err("no warning".to_owned()) } else { Ok(warnings) }
    });
    let warnings = warnings.await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("Warning PodsNotReady: pod shop-client-"));
}

#[tokio::test]
async fn the_event_of_a_refused_specification_has_the_reason() {
    let namespace = TestNamespace::new("refused").await;
    let _operator = Operator::start(&namespace.name);
    let island = "{shape: NTier, nTier: {services: [{name: web}, {name: far}]}}";
    namespace.apply("shop", island).await;
    let ready = namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Refused").await;
    assert!(ready.message.contains("spec.nTier."), "{}", ready.message);
    let warnings = eventually("the warning", soon(), async || {
        let warnings = warnings(&namespace).await;
        if warnings.is_empty() { Err("no warning".to_owned()) } else { Ok(warnings) }
    });
    assert_eq!(warnings.await, [format!("Warning Refused: {}", ready.message)]);
}
