//! The change that is under way: its step, since when, and what that waits for.

use super::{Facts, condition_types};
use crate::api::{ArchitectureStatus, EvolutionStatus, EvolutionStep, Shape};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

/// A change that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveEvolution {
    /// The shape that is to serve.
    pub to: Shape,
    /// The step that is under way.
    pub step: EvolutionStep,
}

/// What the status says of the change, beside these conditions. Towards another shape is another
/// change.
pub(super) fn evolution_status(
    facts: &Facts<'_>,
    conditions: &[Condition],
    previous: Option<&ArchitectureStatus>,
    now: Timestamp,
) -> Option<EvolutionStatus> {
    let ActiveEvolution { to, step } = facts.evolution?;
    let before = previous.and_then(|status| status.evolution.as_ref());
    let before = before.filter(|before| before.to == to);
    let same = before.filter(|before| before.step == step);
    let progressing = conditions.iter().find(|c| c.type_ == condition_types::PROGRESSING);
    Some(EvolutionStatus {
        from: match before {
            Some(before) => before.from,
            None => previous.and_then(|status| status.shape),
        },
        to,
        step,
        since: same.map_or(Time(now), |before| before.since.clone()),
        message: progressing.map(|condition| condition.message.clone()).unwrap_or_default(),
    })
}
