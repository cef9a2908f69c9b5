//! Whether the pod should get traffic, and if not, why.

use super::lock;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// What is missing of each condition; None where it is fulfilled.
type Conditions = Arc<Mutex<BTreeMap<&'static str, Option<String>>>>;

/// A set of named conditions; clones are the same. Ready is who has some and all fulfilled.
/// They are about this pod alone, never about what it calls.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Conditions);

impl Readiness {
    /// Adds a condition that is not fulfilled yet, and why.
    pub fn add_condition(
        &self,
        name: &'static str,
        missing: impl Into<String>,
    ) -> ReadinessCondition {
        let condition = ReadinessCondition { name, conditions: Arc::clone(&self.0) };
        condition.mark_unmet(missing);
        condition
    }

    /// Nothing if ready, else a line for each condition that is not fulfilled.
    pub fn unmet_conditions(&self) -> Vec<String> {
        let conditions = lock(&self.0);
        if conditions.is_empty() {
            return vec!["starting".to_owned()];
        }
        let missing = |(name, missing): (&&str, &Option<String>)| {
            missing.as_ref().map(|missing| format!("{name}: {missing}"))
        };
        conditions.iter().filter_map(missing).collect()
    }
}

/// One condition of a [`Readiness`].
#[derive(Clone, Debug)]
pub struct ReadinessCondition {
    name: &'static str,
    conditions: Conditions,
}

impl ReadinessCondition {
    /// The condition is fulfilled.
    pub fn mark_met(&self) {
        lock(&self.conditions).insert(self.name, None);
    }

    /// The condition is not, or no longer, fulfilled, and why.
    pub fn mark_unmet(&self, missing: impl Into<String>) {
        lock(&self.conditions).insert(self.name, Some(missing.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_once_every_condition_is_fulfilled() {
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
