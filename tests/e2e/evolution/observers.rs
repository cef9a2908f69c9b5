//! A change under load, watched from all sides.

use crate::support::{ExternalClient, Model, eventually, run, seconds};
use maquette::api::EvolutionStep;
use maquette_contract::LoadObservation;
use std::time::{Duration, Instant};

/// An Architecture under load whose shape is `shape`.
pub(crate) fn manifest(name: &str, shape: &str) -> String {
    format!(
        "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {{name: {name}}}
spec:
  shape: {shape}
  peerToPeer: {{replicas: 3}}
  threeTier: {{business: {{replicas: 2}}}}
  load: {{requestsPerSecond: 100, writePercent: 30, summaryPercent: 2, items: 500}}
"
    )
}

/// What the users of a model lived through; nothing may have failed and nothing be lost.
pub(crate) struct Observers {
    outside: ExternalClient,
    began: LoadObservation,
}

impl Observers {
    /// Begins to watch.
    pub(crate) async fn of(model: &Model) -> Self {
        let began = model.await_load(model.load().await, 200).await;
        Self { outside: ExternalClient::start(model), began }
    }

    /// Asserts that no request failed and no acknowledged write was lost, and that every item of
    /// the user outside is there.
    pub(crate) async fn assert_no_failures(self, model: &Model, what: &str) {
        let now = model.await_load(model.load().await, 200).await;
        let (outside, written) = self.outside.stop().await;
        let sent = now.sent - self.began.sent;
        let failed = now.failed - self.began.failed;
        println!(
            "{what}: load: {sent} sent, {failed} failed, {} lost; outside: {} sent, {} failed, {} lost",
            now.lost_writes,
            outside.sent,
            outside.failed.len(),
            outside.lost.len()
        );
        assert_eq!((outside.failed.as_slice(), outside.lost.as_slice()), (&[][..], &[][..]));
        assert_eq!((failed, now.lost_writes), (0, 0), "{what}");
        model.read_all_back(&written).await;
    }
}

/// Changes the shape and awaits that it is done; prints what each step took. `at_step` is called as
/// each step begins.
pub(crate) async fn change_shape(
    model: &Model,
    shape: &str,
    mut at_step: impl AsyncFnMut(EvolutionStep),
) {
    let start = Instant::now();
    model.apply(&manifest(&model.name, shape)).await;
    let mut steps: Vec<(EvolutionStep, Duration)> = vec![];
    loop {
        let last = steps.last().map(|(step, _)| *step);
        let what = format!("{shape} goes on");
        let next = eventually(&what, seconds(240), async || match step(model, shape).await {
            Some(now) if Some(now) == last => Err(format!("still {now:?}")),
            next => Ok(next),
        })
        .await;
        let Some(next) = next else { break };
        steps.push((next, start.elapsed()));
        at_step(next).await;
    }
    model.await_ready().await;
    let ends = steps.iter().skip(1).map(|(_, at)| *at).chain([start.elapsed()]);
    let took = |((step, at), end): (&(EvolutionStep, Duration), Duration)| {
        format!("{step:?} {:.1} s", (end - *at).as_secs_f64())
    };
    let took: Vec<_> = steps.iter().zip(ends).map(took).collect();
    println!("{shape}: {} in all {:.1} s", took.join(", "), start.elapsed().as_secs_f64());
}

/// The step that the model is in; none once it serves as `shape` and no change is left. Before the
/// operator has seen the change it is in the first.
async fn step(model: &Model, shape: &str) -> Option<EvolutionStep> {
    let architecture = model.get().await;
    let status = architecture.status.unwrap_or_default();
    if status.observed_generation != architecture.metadata.generation {
        return Some(EvolutionStep::Expand);
    }
    let serves = status.shape.is_some_and(|now| format!("{now:?}") == shape);
    match status.evolution {
        Some(now) => Some(now.step),
        None if serves => None,
        None => Some(EvolutionStep::Expand),
    }
}

/// Runs `test` on a model under load.
pub(crate) async fn run_under_load(
    name: &str,
    shape: &str,
    test: impl AsyncFnOnce(&Model, &Observers),
) {
    run(name, &manifest(name, shape), async |model| {
        let users = Observers::of(model).await;
        test(model, &users).await;
        users.assert_no_failures(model, name).await;
    })
    .await;
}
