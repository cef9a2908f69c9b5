//! Several installations of the operator that watch the same namespace.

use crate::support::{
    ARCHITECTURE, CLOSED_PORT, Operator, Request, TestNamespace, Webhook, api_of, eventually,
    seconds, soon,
};
use k8s_openapi::{
    api::{coordination::v1::Lease, events::v1::Event},
    jiff::Timestamp,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use maquette::api::Architecture;

#[tokio::test]
async fn two_installations_build_an_architecture_once() {
    let namespace = TestNamespace::new("twice").await;
    let start = async |name: &str| {
        namespace.grant_lease_named(name).await;
        let lease = ["--lease-namespace", "twice", "--lease-name", name];
        let operator = Operator::start_with(&[&["--namespaces", "twice"], &lease[..]].concat());
        eventually("it leads its own lease", soon(), async || {
            let log = operator.log();
            if log.contains("this replica leads") { Ok(()) } else { Err(log) }
        })
        .await;
        operator
    };
    let _first = start("first").await;
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    await_builder(&namespace, "twice/first").await;

    let mut second = start("second").await;
    let note = await_event_of(&namespace, "twice/second writes nothing").await;
    assert_eq!(
        note,
        "the installation twice/first, which is running, builds this Architecture, so twice/second \
         writes nothing. To take it over: kubectl annotate architecture -n twice shop \
         maquette.dev/operator=twice/second"
    );
    let written = writes_within(&namespace);
    let metrics = second.metrics().await;
    let left = r#"maquette_architectures_of_other_installations{controller="architecture"} 1"#;
    assert!(metrics.contains(left), "{metrics}");
    // The second looks at the Architecture several times; its observation may end meanwhile.
    tokio::time::sleep(seconds(25)).await;
    assert_eq!(writes_within(&namespace), written, "in a steady state");

    annotate(&namespace, Some("twice/second")).await;
    await_builder(&namespace, "twice/second").await;
    await_event_of(&namespace, "twice/first writes nothing").await;
    annotate(&namespace, None).await;
    namespace.apply("shop", "{shape: ThreeTier, threeTier: {business: {replicas: 3}}}").await;
    namespace.await_children("shop").await;
    await_builder(&namespace, "twice/second").await;

    // The second ends for good: its lease is gone.
    second.kill().await;
    namespace.api::<Lease>().delete("second", &DeleteParams::default()).await.expect("deleted");
    await_builder(&namespace, "twice/first").await;
    namespace.apply("shop", "{shape: ClientServer}").await;
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "Evolving").await;
}

#[tokio::test]
async fn an_event_about_another_installation_that_was_not_written_is_kept() {
    let namespace = TestNamespace::new("twice-later").await;
    let start = async |name: &str| {
        namespace.grant_lease_named(name).await;
        let args = ["--namespaces", "twice-later", "--lease-namespace", "twice-later"];
        Operator::start_with(&[&args[..], &["--lease-name", name]].concat())
    };
    let _first = start("first").await;
    namespace.apply("shop", "{shape: ClientServer}").await;
    await_builder(&namespace, "twice-later/first").await;
    let webhook = Webhook::add(&namespace, "events", CLOSED_PORT).await;
    let second = start("second").await;
    eventually("several attempts", soon(), async || {
        let log = second.log();
        let failed = log.lines().filter(|line| line.contains("an Event was not written"));
        if failed.count() >= 2 { Ok(()) } else { Err(log) }
    })
    .await;
    let removed_at = Timestamp::now();
    webhook.remove().await;
    await_event_of(&namespace, "twice-later/second writes nothing").await;
    let events = namespace.api::<Event>().list(&ListParams::default()).await.expect("a list");
    let mut events = events.into_iter().filter(|event| {
        event.reason.as_deref() == Some("OtherInstallation") && event.series.is_none()
    });
    let event = events.next().expect("it was found");
    assert!(
        event.event_time.expect("a time").0 < removed_at,
        "it is not that of the first attempt"
    );
}

async fn await_builder(namespace: &TestNamespace, name: &str) {
    eventually(&format!("{name} builds it"), soon(), async || {
        let found = namespace.api::<Architecture>().get("shop").await;
        let status = found.map_err(|error| error.to_string())?.status.unwrap_or_default();
        if status.operator.as_deref() == Some(name) { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
}

/// Waits for the Event whose note contains `part`; there must be one only.
async fn await_event_of(namespace: &TestNamespace, part: &str) -> String {
    eventually(&format!("an Event with {part:?}"), soon(), async || {
        let events = namespace.api::<Event>().list(&ListParams::default()).await;
        let notes = events.map_err(|error| error.to_string())?.items.into_iter();
        let notes: Vec<_> = notes.filter_map(|event| event.note).collect();
        let found: Vec<_> = notes.iter().filter(|note| note.contains(part)).collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(ToString::to_string).ok_or_else(|| notes.join("\n"))
    })
    .await
}

/// The writes of operators in a namespace, without those that are their own.
fn writes_within(namespace: &TestNamespace) -> usize {
    let requests = Request::within(&namespace.name).into_iter();
    let writes = requests.filter(|r| !matches!(r.verb.as_str(), "list" | "watch" | "get"));
    writes.filter(|r| !matches!(r.resource.as_str(), "leases" | "events")).count()
}

async fn annotate(namespace: &TestNamespace, value: Option<&str>) {
    let annotations = serde_json::json!({"maquette.dev/operator": value});
    let patch = Patch::Merge(serde_json::json!({"metadata": {"annotations": annotations}}));
    let api = api_of(namespace, ARCHITECTURE);
    let patched = api.patch("shop", &PatchParams::default(), &patch).await.expect("patched");
    assert_eq!(patched.annotations().get("maquette.dev/operator").map(String::as_str), value);
}
