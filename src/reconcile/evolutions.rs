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
struct Label {
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

const ALL: Controller = Controller { controller: CONTROLLER };

fn label(step: EvolutionStep) -> Label {
    Label { step: step.as_str() }
}

type UnderWay = HashMap<ArchitectureKey, (EvolutionStep, i64)>;

/// The changes that are under way.
#[derive(Debug, Default)]
pub(super) struct Evolutions {
    /// The step of each Architecture that changes, and when it began, in seconds since 1970.
    under_way: Mutex<UnderWay>,
    by_step: Family<Label, Gauge>,
    begun: Family<Label, Counter>,
    /// Absent while nothing changes.
    oldest: Family<Controller, Gauge>,
}

impl Evolutions {
    /// Takes part in what `registry` tells.
    pub(super) fn register(&self, registry: &mut Registry) {
        for step in EvolutionStep::ALL {
            self.by_step.get_or_create(&label(step)).set(0);
            self.begun.get_or_create(&label(step)).inc_by(0);
        }
        registry.register(
            "maquette_evolutions",
            "Architectures that are being changed, by the step that is under way",
            self.by_step.clone(),
        );
        registry.register(
            "maquette_evolution_steps",
            "Steps of changes that began",
            self.begun.clone(),
        );
        registry.register_with_unit(
            "maquette_evolution_oldest_step_start_timestamp",
            "When the step began that is under way for the longest time, since 1970",
            Unit::Seconds,
            self.oldest.clone(),
        );
    }

    /// Notes what an Architecture's status says of a change.
    pub(super) fn set(&self, key: &ArchitectureKey, evolution: Option<&EvolutionStatus>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match evolution {
            Some(evolution) => {
                let step = (evolution.step, evolution.since.0.as_second());
                under_way.insert(key.clone(), step);
            }
            None => _ = under_way.remove(key),
        }
        self.show(&under_way);
    }

    /// Forgets an Architecture that is no more.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.set(key, None);
    }

    /// Counts a step that began.
    pub(super) fn begun(&self, step: EvolutionStep) {
        self.begun.get_or_create(&label(step)).inc();
    }

    fn show(&self, under_way: &UnderWay) {
        for step in EvolutionStep::ALL {
            let count = under_way.values().filter(|(now, _)| *now == step).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.by_step.get_or_create(&label(step)).set(count);
        }
        match under_way.values().map(|(_, since)| *since).min() {
            Some(since) => _ = self.oldest.get_or_create(&ALL).set(since),
            None => self.oldest.clear(),
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
        let (evolutions, mut registry) = (Evolutions::default(), Registry::default());
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
        evolutions.set(&key("a"), Some(&evolution(EvolutionStep::Cutover, 200)));
        evolutions.set(&key("b"), Some(&evolution(EvolutionStep::Cutover, 100)));
        evolutions.begun(EvolutionStep::Cutover);
        assert!(text().contains("maquette_evolutions{step=\"Cutover\"} 2\n"), "{}", text());
        assert!(
            text().contains("maquette_evolution_steps_total{step=\"Cutover\"} 1\n"),
            "{}",
            text()
        );
        assert!(text().contains(&format!("{oldest}100\n")), "{}", text());
        evolutions.set(&key("b"), Some(&evolution(EvolutionStep::Contract, 300)));
        assert!(text().contains(&format!("{oldest}200\n")), "{}", text());
        evolutions.set(&key("a"), None);
        evolutions.forget(&key("b"));
        assert!(text().contains("maquette_evolutions{step=\"Contract\"} 0\n"), "{}", text());
        assert!(!text().contains(oldest), "{}", text());
    }
}
