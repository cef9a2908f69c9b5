//! What a user sees of a change: its steps in the status, by Events and in the metrics. The pods are
//! played.

use crate::{
    promtool,
    support::{Kubelet, Operator, Space, eventually, seconds, soon},
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

pub(crate) async fn is_ready(space: &Space) {
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

/// Waits until a step is under way.
pub(crate) async fn step(space: &Space, step: EvolutionStep) -> EvolutionStatus {
    eventually(&format!("{step:?} is under way"), soon(), async || {
        let found = space.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let evolution = found.status.and_then(|status| status.evolution).ok_or("no change")?;
        if evolution.step == step { Ok(evolution) } else { Err(format!("{evolution:?}")) }
    })
    .await
}

/// Every step that the status showed, in order.
struct StepRecorder {
    recorded: Arc<Mutex<Vec<EvolutionStatus>>>,
    _tasks: JoinSet<()>,
}

impl StepRecorder {
    fn start(space: &Space) -> Self {
        let recorded = Arc::<Mutex<Vec<EvolutionStatus>>>::default();
        let events = watcher(space.api::<Architecture>(), watcher::Config::default());
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
async fn events(space: &Space, reason: &str) -> Vec<Event> {
    let list = space.api::<Event>().list(&ListParams::default()).await.expect("a list");
    let mut events: Vec<_> =
        list.into_iter().filter(|event| event.reason.as_deref() == Some(reason)).collect();
    events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
    assert!(events.iter().all(|event| event.series.is_none()), "told again: {events:?}");
    events
}

fn actions(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.action.clone().expect("an action")).collect()
}

/// Waits until the operator has done a whole reconcile from now on.
async fn await_reconcile(space: &Space) {
    let api = space.api::<Service>();
    let patch = serde_json::json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}}});
    api.patch("shop", &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    eventually("the label is put back", soon(), async || {
        let found = api.get("shop").await.map_err(|error| error.to_string())?;
        let label = found.labels().get("app.kubernetes.io/name").cloned();
        if label.as_deref() == Some("maquette") { Ok(()) } else { Err(format!("{label:?}")) }
    })
    .await;
}

#[tokio::test]
async fn every_step_is_told_once_also_when_the_operator_is_restarted() {
    let space = Space::new("steps").await;
    let kubelet = Kubelet::start(&space);
    let mut operator = Operator::start(&space.name);
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    assert_eq!(events(&space, "EvolutionStep").await, [], "nothing changes yet");
    let course = StepRecorder::start(&space);
    kubelet.now().down.insert("peers".to_owned());
    space.apply("shop", AFTER).await;
    let raise = step(&space, EvolutionStep::Expand).await;
    assert!(raise.message.contains("peers"), "{}", raise.message);
    await_reconcile(&space).await;
    operator.kill().await;
    let mut operator = Operator::start(&space.name);
    await_reconcile(&space).await;
    assert_eq!(actions(&events(&space, "EvolutionStep").await), ["RaiseToPeerToPeer"]);
    assert_eq!(step(&space, EvolutionStep::Expand).await.since, raise.since);

    kubelet.now().down.clear();
    space.condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    is_ready(&space).await;
    let seen = course.seen();
    let steps: Vec<_> = seen.iter().map(|evolution| evolution.step).collect();
    assert_eq!(steps, EvolutionStep::ALL, "each once and in order");
    for evolution in &seen {
        let shapes = (evolution.from, evolution.to);
        assert_eq!(shapes, (Some(Shape::ThreeTier), Shape::PeerToPeer), "{evolution:?}");
    }
    assert!(seen.is_sorted_by_key(|evolution| evolution.since.0), "{seen:?}");
    // Events follow the status that they tell of.
    eventually("the end is told", soon(), async || {
        let told = actions(&events(&space, "EvolutionDone").await);
        if told == ["EvolveToPeerToPeer"] { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    let told = || async { actions(&events(&space, "EvolutionStep").await) };
    let expected: Vec<_> = steps.iter().map(|step| format!("{step:?}ToPeerToPeer")).collect();
    assert_eq!(told().await, expected);

    operator.kill().await;
    let _operator = Operator::start(&space.name);
    await_reconcile(&space).await;
    assert_eq!(told().await, expected);
    assert_eq!(events(&space, "EvolutionDone").await.len(), 1);
    let found = space.api::<Architecture>().get("shop").await.expect("there");
    assert_eq!(found.status.and_then(|status| status.evolution), None);
}

#[tokio::test]
async fn a_change_that_waits_for_a_pod_in_need_of_help_says_so_and_goes_on_once_it_is_helped() {
    let space = Space::new("stuck-step").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    kubelet.now().down.insert("peers".to_owned());
    space.apply("shop", AFTER).await;
    step(&space, EvolutionStep::Expand).await;
    let why = "0/3 nodes are available: 3 Insufficient memory.";
    space.set_pod_condition("shop-peers-0", "PodScheduled", "False", why).await;
    let said = space.condition("shop", "Progressing", soon(), |c| c.reason == "PodsNotReady").await;
    assert_eq!(said.status, "False");
    assert!(said.message.contains("pod shop-peers-0"), "{}", said.message);
    assert!(said.message.contains(why), "{}", said.message);
    assert!(said.message.contains("goes on serving"), "{}", said.message);
    space.condition("shop", "TrafficFlowing", soon(), |c| c.status == "True").await;
    let warning = eventually("it is told", soon(), async || {
        events(&space, "PodsNotReady").await.pop().ok_or_else(|| "no Event".to_owned())
    });
    let warning = warning.await;
    assert_eq!(warning.type_.as_deref(), Some("Warning"));
    assert!(warning.note.as_deref().is_some_and(|note| note.contains(why)), "{warning:?}");
    // A specification that asks for something else goes on as well.
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    space.apply("shop", AFTER).await;
    step(&space, EvolutionStep::Expand).await;
    kubelet.now().down.clear();
    is_ready(&space).await;
}

#[tokio::test]
async fn items_are_waited_for_and_nothing_else_once_they_are_copied() {
    let space = Space::new("copied-step").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    kubelet.now().migrating.insert("peers".to_owned());
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    space.apply("shop", AFTER).await;
    let said = |text: &'static str| {
        move |c: &Condition| c.reason == "Evolving" && c.message.contains(text)
    };
    space.condition("shop", "Progressing", soon(), said("has 5 items so far")).await;
    step(&space, EvolutionStep::Finalize).await;
    assert!(space.api::<StatefulSet>().get("shop-data").await.is_ok(), "the old home stays");
    kubelet.now().migrating.clear();
    space.condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
}

#[tokio::test]
async fn several_evolve_side_by_side_and_one_that_is_stuck_holds_up_no_other() {
    let space = Space::new("beside").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    for name in ["shop", "other", "stuck"] {
        space.apply(name, BEFORE).await;
        space.condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    kubelet.now().down.insert("orders".to_owned());
    space.apply("stuck", "{shape: NTier}").await;
    space.apply("shop", AFTER).await;
    space.apply("other", AFTER).await;
    for name in ["shop", "other"] {
        space.condition(name, "Progressing", soon(), |c| c.reason == "UpToDate").await;
        space.condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    let waits = |c: &Condition| c.reason != "UpToDate" && c.message.contains("orders");
    space.condition("stuck", "Progressing", soon(), waits).await;
    space.condition("stuck", "TrafficFlowing", soon(), |c| c.status == "True").await;
    kubelet.now().down.clear();
    space.condition("stuck", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn changes_that_are_under_way_show_in_the_metrics() {
    let space = Space::new("step-metrics").await;
    let kubelet = Kubelet::start(&space);
    let operator = Operator::start(&space.name);
    let shows = async |lines: &[&str]| {
        eventually(&format!("{lines:?} are shown"), seconds(30), async || {
            let text = operator.metrics().await;
            let missing = lines.iter().find(|line| !text.contains(**line));
            missing.map_or(Ok(text.clone()), |line| Err(format!("{line} is not in {text}")))
        })
        .await
    };
    let oldest = "maquette_evolution_oldest_step_start_timestamp_seconds{";
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    let text = shows(&[
        r#"maquette_evolutions{step="Expand"} 0"#,
        r#"maquette_evolution_steps_total{step="Expand"} 0"#,
    ])
    .await;
    assert!(!text.contains(oldest), "{text}");
    kubelet.now().down.insert("peers".to_owned());
    space.apply("shop", AFTER).await;
    let since = step(&space, EvolutionStep::Expand).await.since.0.as_second();
    shows(&[
        r#"maquette_evolutions{step="Expand"} 1"#,
        r#"maquette_evolution_steps_total{step="Expand"} 1"#,
        &format!("{oldest}controller=\"architecture\"}} {since}"),
    ])
    .await;
    kubelet.now().down.clear();
    is_ready(&space).await;
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
    assert!(!text.contains("shop"), "a name that users make: {text}");
    promtool::assert_clean(&text);
}
