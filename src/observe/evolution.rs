//! The change that is in progress, as the status shows it: its step, since when, and what it waits
//! for.

use super::{ActiveEvolution, Assessment, condition_types};
use crate::api::EvolutionStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What the status says of the change, beside `conditions`; none where nothing changes. Another
/// shape to reach is another change.
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
