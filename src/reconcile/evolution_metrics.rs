//! What the metrics tell of changes that are under way. It follows from what the statuses say, so
//! that a restarted operator tells the same.

use super::{key::ArchitectureKey, metrics::CONTROLLER};
use crate::api::{EvolutionStatus, EvolutionStep};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabel {
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EvolutionControllerLabel {
    controller: &'static str,
}

const ALL_CONTROLLERS: EvolutionControllerLabel =
    EvolutionControllerLabel { controller: CONTROLLER };

fn step_label(step: EvolutionStep) -> StepLabel {
    StepLabel { step: step.as_str() }
}

type EvolutionsInProgress = HashMap<ArchitectureKey, (EvolutionStep, i64)>;

/// The changes that are under way.
#[derive(Debug, Default)]
pub(super) struct EvolutionMetrics {
    /// The step of each Architecture that changes, and when it began, in seconds since 1970.
    in_progress: Mutex<EvolutionsInProgress>,
    by_step: Family<StepLabel, Gauge>,
    steps_started: Family<StepLabel, Counter>,
    /// Absent while nothing changes.
    oldest_step_start: Family<EvolutionControllerLabel, Gauge>,
}

impl EvolutionMetrics {
    /// Takes part in what `registry` tells.
    pub(super) fn register(&self, registry: &mut Registry) {
        for step in EvolutionStep::ALL {
            self.by_step.get_or_create(&step_label(step)).set(0);
            self.steps_started.get_or_create(&step_label(step)).inc_by(0);
        }
        registry.register(
            "maquette_evolutions",
            "Architectures that are being changed, by the step that is under way",
            self.by_step.clone(),
        );
        registry.register(
            "maquette_evolution_steps",
            "Steps of changes that began",
            self.steps_started.clone(),
        );
        registry.register_with_unit(
            "maquette_evolution_oldest_step_start_timestamp",
            "When the step began that is under way for the longest time, since 1970",
            Unit::Seconds,
            self.oldest_step_start.clone(),
        );
    }

    /// Notes what an Architecture's status says of a change.
    pub(super) fn record_status(&self, key: &ArchitectureKey, evolution: Option<&EvolutionStatus>) {
        let mut under_way = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        match evolution {
            Some(evolution) => {
                let step = (evolution.step, evolution.since.0.as_second());
                under_way.insert(key.clone(), step);
            }
            None => _ = under_way.remove(key),
        }
        self.update_gauges(&under_way);
    }

    /// Forgets an Architecture that is no more.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.record_status(key, None);
    }

    /// Counts a step that began.
    pub(super) fn begun(&self, step: EvolutionStep) {
        self.steps_started.get_or_create(&step_label(step)).inc();
    }

    fn update_gauges(&self, under_way: &EvolutionsInProgress) {
        for step in EvolutionStep::ALL {
            let count = under_way.values().filter(|(now, _)| *now == step).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.by_step.get_or_create(&step_label(step)).set(count);
        }
        match under_way.values().map(|(_, since)| *since).min() {
            Some(since) => _ = self.oldest_step_start.get_or_create(&ALL_CONTROLLERS).set(since),
            None => self.oldest_step_start.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Shape;
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
    use prometheus_client::encoding::text::encode;

    fn key(name: &str) -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
    }

    fn evolution(step: EvolutionStep, since: i64) -> EvolutionStatus {
        EvolutionStatus {
            from: None,
            to: Shape::NTier,
            step,
            since: Time(Timestamp::from_second(since).unwrap()),
            message: String::new(),
        }
    }

    #[test]
    fn the_oldest_step_is_told_and_nothing_of_those_that_are_done() {
        let (evolutions, mut registry) = (EvolutionMetrics::default(), Registry::default());
        evolutions.register(&mut registry);
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let oldest =
            "maquette_evolution_oldest_step_start_timestamp_seconds{controller=\"architecture\"} ";
        assert!(text().contains("maquette_evolutions{step=\"Cutover\"} 0\n"), "{}", text());
        assert!(!text().contains(oldest), "{}", text());
        evolutions.record_status(&key("a"), Some(&evolution(EvolutionStep::Cutover, 200)));
        evolutions.record_status(&key("b"), Some(&evolution(EvolutionStep::Cutover, 100)));
        evolutions.begun(EvolutionStep::Cutover);
        assert!(text().contains("maquette_evolutions{step=\"Cutover\"} 2\n"), "{}", text());
        assert!(
            text().contains("maquette_evolution_steps_total{step=\"Cutover\"} 1\n"),
            "{}",
            text()
        );
        assert!(text().contains(&format!("{oldest}100\n")), "{}", text());
        evolutions.record_status(&key("b"), Some(&evolution(EvolutionStep::Contract, 300)));
        assert!(text().contains(&format!("{oldest}200\n")), "{}", text());
        evolutions.record_status(&key("a"), None);
        evolutions.forget(&key("b"));
        assert!(text().contains("maquette_evolutions{step=\"Contract\"} 0\n"), "{}", text());
        assert!(!text().contains(oldest), "{}", text());
    }
}
