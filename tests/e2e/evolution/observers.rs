//! A change under load, observed by the load and by a client outside the cluster.

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

/// The load and the external client of a model: no request may fail and no write be lost.
pub(crate) struct Observers {
    outside: ExternalClient,
    began: LoadObservation,
}

impl Observers {
    /// Starts the external client and notes the counters of the load.
    pub(crate) async fn of(model: &Model) -> Self {
        let began = model.await_load(model.load().await, 200).await;
        Self { outside: ExternalClient::start(model), began }
    }

    /// Asserts that no request failed, that no acknowledged write was lost, and that every item of
    /// the external client can be read.
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

/// Changes the shape and waits for the end; prints the duration of each step. `at_step` is called
/// when a step starts.
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
        let what = format!("{shape}: the next step");
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

/// The step in progress; none once the model serves as `shape` and no change is left. It is the
/// first step until the operator has observed the change.
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
