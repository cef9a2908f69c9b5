//! Metrics of evolutions. They follow from the statuses, so that a restarted operator shows the
//! same.

use super::{super::key::ArchitectureKey, labels::ControllerLabel};
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

impl StepLabel {
    fn new(step: EvolutionStep) -> Self {
        Self { step: step.as_str() }
    }
}

/// The step of each Architecture that evolves, and when it started, in seconds since 1970.
type EvolutionsInProgress = HashMap<ArchitectureKey, (EvolutionStep, i64)>;

/// The metrics of evolutions.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct EvolutionMetrics {
    in_progress: Mutex<EvolutionsInProgress>,
    by_step: Family<StepLabel, Gauge>,
    steps_started: Family<StepLabel, Counter>,
    /// Absent while no evolution is in progress.
    oldest_step_start: Family<ControllerLabel, Gauge>,
}

impl EvolutionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        for step in EvolutionStep::ALL {
            self.by_step.get_or_create(&StepLabel::new(step)).set(0);
            self.steps_started.get_or_create(&StepLabel::new(step)).inc_by(0);
        }
        registry.register(
            "maquette_evolutions",
            "Architectures that evolve, by the step that is in progress",
            self.by_step.clone(),
        );
        registry.register(
            "maquette_evolution_steps",
            "Evolution steps that started",
            self.steps_started.clone(),
        );
        registry.register_with_unit(
            "maquette_evolution_oldest_step_start_timestamp",
            "Start of the step that is in progress for the longest time, since 1970",
            Unit::Seconds,
            self.oldest_step_start.clone(),
        );
    }

    /// Records the evolution in an Architecture's status.
    pub(in crate::reconcile) fn record_status(
        &self,
        key: &ArchitectureKey,
        evolution: Option<&EvolutionStatus>,
    ) {
        let mut in_progress = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        match evolution {
            Some(evolution) => {
                let step = (evolution.step, evolution.since.0.as_second());
                in_progress.insert(key.clone(), step);
            }
            None => _ = in_progress.remove(key),
        }
        self.update_gauges(&in_progress);
    }

    /// Drops a deleted Architecture.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        self.record_status(key, None);
    }

    pub(in crate::reconcile) fn count_step_start(&self, step: EvolutionStep) {
        self.steps_started.get_or_create(&StepLabel::new(step)).inc();
    }

    fn update_gauges(&self, in_progress: &EvolutionsInProgress) {
        for step in EvolutionStep::ALL {
            let count = in_progress.values().filter(|(current, _)| *current == step).count();
            let gauge = self.by_step.get_or_create(&StepLabel::new(step));
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        match in_progress.values().map(|(_, since)| *since).min() {
            Some(since) => {
                self.oldest_step_start.get_or_create(&ControllerLabel::ARCHITECTURE).set(since);
            }
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

    fn encoded(registry: &Registry) -> String {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn only_the_oldest_step_in_progress_is_shown() {
        let (evolutions, mut registry) = (EvolutionMetrics::default(), Registry::default());
        evolutions.register(&mut registry);
        let oldest =
            "maquette_evolution_oldest_step_start_timestamp_seconds{controller=\"architecture\"} ";
        assert!(
            encoded(&registry).contains("maquette_evolutions{step=\"Cutover\"} 0\n"),
            "{}",
            encoded(&registry)
        );
        assert!(!encoded(&registry).contains(oldest), "{}", encoded(&registry));
        evolutions.record_status(&key("a"), Some(&evolution(EvolutionStep::Cutover, 200)));
        evolutions.record_status(&key("b"), Some(&evolution(EvolutionStep::Cutover, 100)));
        evolutions.count_step_start(EvolutionStep::Cutover);
        assert!(
            encoded(&registry).contains("maquette_evolutions{step=\"Cutover\"} 2\n"),
            "{}",
            encoded(&registry)
        );
        assert!(
            encoded(&registry).contains("maquette_evolution_steps_total{step=\"Cutover\"} 1\n"),
            "{}",
            encoded(&registry)
        );
        assert!(encoded(&registry).contains(&format!("{oldest}100\n")), "{}", encoded(&registry));
        evolutions.record_status(&key("b"), Some(&evolution(EvolutionStep::Contract, 300)));
        assert!(encoded(&registry).contains(&format!("{oldest}200\n")), "{}", encoded(&registry));
        evolutions.record_status(&key("a"), None);
        evolutions.forget(&key("b"));
        assert!(
            encoded(&registry).contains("maquette_evolutions{step=\"Contract\"} 0\n"),
            "{}",
            encoded(&registry)
        );
        assert!(!encoded(&registry).contains(oldest), "{}", encoded(&registry));
    }
}
