//! The change that is in progress, as the status shows it: its step, since when, and what it waits
//! for.

use super::{ActiveEvolution, Assessment, condition_types};
use crate::api::EvolutionStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The change in progress; none if there is none. Its message is that of `Progressing`, one of
/// `conditions`. Another shape to reach is another change.
pub(super) fn evolution_status(
    assessment: &Assessment<'_>,
    conditions: &[Condition],
) -> Option<EvolutionStatus> {
    let ActiveEvolution { to, step } = assessment.target.evolution?;
    let previous = assessment.subject.previous;
    let before = previous
        .and_then(|status| status.evolution.as_ref())
        .filter(|evolution| evolution.to == to);
    let same_step = before.filter(|evolution| evolution.step == step);
    let progressing = conditions.iter().find(|c| c.type_ == condition_types::PROGRESSING);
    Some(EvolutionStatus {
        from: match before {
            Some(evolution) => evolution.from,
            None => previous.and_then(|status| status.shape),
        },
        to,
        step,
        since: same_step.map_or(Time(assessment.now), |evolution| evolution.since.clone()),
        message: progressing.map(|condition| condition.message.clone()).unwrap_or_default(),
    })
}
