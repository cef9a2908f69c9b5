//! What a user sees of a change: its steps in the status, in Events and in the metrics. A fake
//! kubelet reports for the pods.

use crate::{
    promtool,
    support::{FakeKubelet, Operator, TestNamespace, eventually, seconds, soon},
};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::Service, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use maquette::api::{Architecture, EvolutionStatus, EvolutionStep, Shape};
use std::{
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinSet;

pub(crate) const BEFORE: &str = "{shape: ThreeTier}";
pub(crate) const AFTER: &str = "{shape: PeerToPeer, peerToPeer: {replicas: 3}}";

/// Waits until a step is in progress.
pub(crate) async fn await_step(namespace: &TestNamespace, step: EvolutionStep) -> EvolutionStatus {
    eventually(&format!("{step:?} is under way"), soon(), async || {
        let found = namespace.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let evolution = found.status.and_then(|status| status.evolution).ok_or("no change")?;
        if evolution.step == step { Ok(evolution) } else { Err(format!("{evolution:?}")) }
    })
    .await
}

/// Records every step that the status shows, in order.
struct StepRecorder {
    recorded: Arc<Mutex<Vec<EvolutionStatus>>>,
    _tasks: JoinSet<()>,
}

impl StepRecorder {
    fn start(namespace: &TestNamespace) -> Self {
        let recorded = Arc::<Mutex<Vec<EvolutionStatus>>>::default();
        let events = watcher(namespace.api::<Architecture>(), watcher::Config::default());
        let into = Arc::clone(&recorded);
        let course = events.default_backoff().applied_objects().into_stream();
        let note = course.for_each(move |found| {
            let status = found.ok().and_then(|found| found.status);
            if let Some(evolution) = status.and_then(|status| status.evolution) {
                let mut seen = into.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.last().is_none_or(|last| last.step != evolution.step) {
                    seen.push(evolution);
                }
            }
            ready(())
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(note);
        Self { recorded, _tasks: tasks }
    }

    fn seen(&self) -> Vec<EvolutionStatus> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The Events of a reason, the oldest first.
async fn events(namespace: &TestNamespace, reason: &str) -> Vec<Event> {
    let list = namespace.api::<Event>().list(&ListParams::default()).await.expect("a list");
    let mut events: Vec<_> =
        list.into_iter().filter(|event| event.reason.as_deref() == Some(reason)).collect();
    events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
    assert!(events.iter().all(|event| event.series.is_none()), "emitted again: {events:?}");
    events
}

fn actions(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.action.clone().expect("an action")).collect()
}

/// Waits until the operator has completed a reconcile that starts after this call: it restores a
/// label.
async fn await_reconcile(namespace: &TestNamespace) {
    let api = namespace.api::<Service>();
    let patch = serde_json::json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}}});
    api.patch("shop", &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    eventually("the label is restored", soon(), async || {
        let found = api.get("shop").await.map_err(|error| error.to_string())?;
        let label = found.labels().get("app.kubernetes.io/name").cloned();
        if label.as_deref() == Some("shop") { Ok(()) } else { Err(format!("{label:?}")) }
    })
    .await;
}

#[tokio::test]
async fn each_step_emits_one_event_across_operator_restarts() {
    let namespace = TestNamespace::new("steps").await;
    let kubelet = FakeKubelet::start(&namespace);
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    assert_eq!(events(&namespace, "EvolutionStep").await, [], "nothing changes yet");
    let course = StepRecorder::start(&namespace);
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", AFTER).await;
    let raise = await_step(&namespace, EvolutionStep::Expand).await;
    assert!(raise.message.contains("peers"), "{}", raise.message);
    await_reconcile(&namespace).await;
    operator.kill().await;
    let mut operator = Operator::start(&namespace.name);
    await_reconcile(&namespace).await;
    assert_eq!(actions(&events(&namespace, "EvolutionStep").await), ["ExpandToPeerToPeer"]);
    assert_eq!(await_step(&namespace, EvolutionStep::Expand).await.since, raise.since);

    kubelet.behavior().down.clear();
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    namespace.await_ready("shop").await;
    let seen = course.seen();
    let steps: Vec<_> = seen.iter().map(|evolution| evolution.step).collect();
    assert_eq!(steps, EvolutionStep::ALL, "each once and in order");
    for evolution in &seen {
        let shapes = (evolution.from, evolution.to);
        assert_eq!(shapes, (Some(Shape::ThreeTier), Shape::PeerToPeer), "{evolution:?}");
    }
    assert!(seen.is_sorted_by_key(|evolution| evolution.since.0), "{seen:?}");
    // An Event is written after the status.
    eventually("the end is emitted", soon(), async || {
        let emitted = actions(&events(&namespace, "EvolutionDone").await);
        if emitted == ["EvolveToPeerToPeer"] { Ok(()) } else { Err(format!("{emitted:?}")) }
    })
    .await;
    let emitted = || async { actions(&events(&namespace, "EvolutionStep").await) };
    let expected: Vec<_> = steps.iter().map(|step| format!("{step:?}ToPeerToPeer")).collect();
    assert_eq!(emitted().await, expected);

    operator.kill().await;
    let _operator = Operator::start(&namespace.name);
    await_reconcile(&namespace).await;
    assert_eq!(emitted().await, expected);
    assert_eq!(events(&namespace, "EvolutionDone").await.len(), 1);
    let found = namespace.api::<Architecture>().get("shop").await.expect("there");
    assert_eq!(found.status.and_then(|status| status.evolution), None);
}

#[tokio::test]
async fn a_change_that_waits_for_an_unschedulable_pod_reports_it() {
    let namespace = TestNamespace::new("stuck-step").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", AFTER).await;
    await_step(&namespace, EvolutionStep::Expand).await;
    let why = "0/3 nodes are available: 3 Insufficient memory.";
    namespace.set_pod_condition("shop-peers-0", "PodScheduled", "False", why).await;
    let condition = namespace
        .await_condition("shop", "Progressing", soon(), |c| c.reason == "PodsNotReady")
        .await;
    assert_eq!(condition.status, "False");
    assert!(condition.message.contains("pod shop-peers-0"), "{}", condition.message);
    assert!(condition.message.contains(why), "{}", condition.message);
    assert!(condition.message.contains("still serves"), "{}", condition.message);
    namespace.await_condition("shop", "TrafficFlowing", soon(), |c| c.status == "True").await;
    let warning = eventually("the warning is emitted", soon(), async || {
        events(&namespace, "PodsNotReady").await.pop().ok_or_else(|| "no Event".to_owned())
    });
    let warning = warning.await;
    assert_eq!(warning.type_.as_deref(), Some("Warning"));
    assert!(warning.note.as_deref().is_some_and(|note| note.contains(why)), "{warning:?}");
    // Another specification ends the wait too.
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    namespace.apply("shop", AFTER).await;
    await_step(&namespace, EvolutionStep::Expand).await;
    kubelet.behavior().down.clear();
    namespace.await_ready("shop").await;
}

#[tokio::test]
async fn a_change_waits_until_all_items_are_copied() {
    let namespace = TestNamespace::new("copied-step").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    kubelet.behavior().migrating.insert("peers".to_owned());
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    namespace.apply("shop", AFTER).await;
    let shows = |text: &'static str| {
        move |c: &Condition| c.reason == "Evolving" && c.message.contains(text)
    };
    namespace.await_condition("shop", "Progressing", soon(), shows("has 5 items so far")).await;
    await_step(&namespace, EvolutionStep::Finalize).await;
    assert!(namespace.api::<StatefulSet>().get("shop-data").await.is_ok(), "the old store stays");
    kubelet.behavior().migrating.clear();
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
}

#[tokio::test]
async fn a_stuck_change_blocks_no_other_architecture() {
    let namespace = TestNamespace::new("beside").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    for name in ["shop", "other", "stuck"] {
        namespace.apply(name, BEFORE).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    kubelet.behavior().down.insert("orders".to_owned());
    namespace.apply("stuck", "{shape: NTier}").await;
    namespace.apply("shop", AFTER).await;
    namespace.apply("other", AFTER).await;
    for name in ["shop", "other"] {
        namespace.await_condition(name, "Progressing", soon(), |c| c.reason == "UpToDate").await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    let waits = |c: &Condition| c.reason != "UpToDate" && c.message.contains("orders");
    namespace.await_condition("stuck", "Progressing", soon(), waits).await;
    namespace.await_condition("stuck", "TrafficFlowing", soon(), |c| c.status == "True").await;
    kubelet.behavior().down.clear();
    namespace.await_condition("stuck", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn metrics_show_changes_in_progress() {
    let namespace = TestNamespace::new("step-metrics").await;
    let kubelet = FakeKubelet::start(&namespace);
    let operator = Operator::start(&namespace.name);
    let shows = async |lines: &[&str]| {
        eventually(&format!("{lines:?} are shown"), seconds(30), async || {
            let text = operator.metrics().await;
            let missing = lines.iter().find(|line| !text.contains(**line));
            missing.map_or(Ok(text.clone()), |line| Err(format!("{line} is not in {text}")))
        })
        .await
    };
    let oldest = "maquette_evolution_oldest_step_start_timestamp_seconds{";
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    let text = shows(&[
        r#"maquette_evolutions{step="Expand"} 0"#,
        r#"maquette_evolution_steps_total{step="Expand"} 0"#,
    ])
    .await;
    assert!(!text.contains(oldest), "{text}");
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", AFTER).await;
    let since = await_step(&namespace, EvolutionStep::Expand).await.since.0.as_second();
    shows(&[
        r#"maquette_evolutions{step="Expand"} 1"#,
        r#"maquette_evolution_steps_total{step="Expand"} 1"#,
        &format!("{oldest}controller=\"architecture\"}} {since}"),
    ])
    .await;
    kubelet.behavior().down.clear();
    namespace.await_ready("shop").await;
    let text = shows(&[
        r#"maquette_evolutions{step="Expand"} 0"#,
        r#"maquette_evolutions{step="Cutover"} 0"#,
        r#"maquette_evolutions{step="Finalize"} 0"#,
        r#"maquette_evolutions{step="Contract"} 0"#,
        r#"maquette_evolution_steps_total{step="Expand"} 1"#,
        r#"maquette_evolution_steps_total{step="Cutover"} 1"#,
        r#"maquette_evolution_steps_total{step="Finalize"} 1"#,
        r#"maquette_evolution_steps_total{step="Contract"} 1"#,
    ])
    .await;
    assert!(!text.contains(oldest), "{text}");
    assert!(!text.contains("shop"), "a user's name in a metric: {text}");
    promtool::assert_clean(&text);
}
