//! The readiness conditions of the pod.

use crate::runtime::lock;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The reason why each condition is unmet; None where it is met.
type Conditions = Arc<Mutex<BTreeMap<&'static str, Option<String>>>>;

/// A set of named conditions; clones share it. The pod is ready if there is at least one condition
/// and all are met. Conditions are about this pod alone, never about the components that it calls.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Conditions);

impl Readiness {
    /// Adds a condition that is unmet for the reason `missing`.
    pub fn add_condition(
        &self,
        name: &'static str,
        missing: impl Into<String>,
    ) -> ReadinessCondition {
        let condition = ReadinessCondition { name, conditions: Arc::clone(&self.0) };
        condition.mark_unmet(missing);
        condition
    }

    /// One line for each unmet condition; empty if the pod is ready.
    pub fn unmet_conditions(&self) -> Vec<String> {
        let conditions = lock(&self.0);
        if conditions.is_empty() {
            return vec!["starting".to_owned()];
        }
        conditions
            .iter()
            .filter_map(|(name, missing)| Some(format!("{name}: {}", missing.as_ref()?)))
            .collect()
    }
}

/// One condition of a [`Readiness`].
#[derive(Clone, Debug)]
pub struct ReadinessCondition {
    name: &'static str,
    conditions: Conditions,
}

impl ReadinessCondition {
    /// Records that the condition is met.
    pub fn mark_met(&self) {
        lock(&self.conditions).insert(self.name, None);
    }

    /// Records that the condition is not, or no longer, met, for the reason `missing`.
    pub fn mark_unmet(&self, missing: impl Into<String>) {
        lock(&self.conditions).insert(self.name, Some(missing.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_once_every_condition_is_met() {
        let readiness = Readiness::default();
        assert_eq!(readiness.unmet_conditions(), ["starting"]);
        let listening = readiness.add_condition("listening", "no socket yet");
        let joined = readiness.add_condition("joined", "0 of 3 members");
        listening.mark_met();
        assert_eq!(readiness.unmet_conditions(), ["joined: 0 of 3 members"]);
        joined.mark_met();
        assert!(readiness.unmet_conditions().is_empty());
        listening.mark_unmet("closed");
        assert_eq!(readiness.unmet_conditions(), ["listening: closed"]);
    }
}
