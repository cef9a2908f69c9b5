//! The conditions of an Architecture.
//!
//! Owns the table of the conditions, one small pure function each, and their public reasons. It
//! reads the assessment and never the cluster.

mod accepted;
mod causes;
mod change;
mod items_damaged;
mod overlay_connected;
mod progressing;
mod ready;
mod reason;
mod reconciling;
mod stalled;
mod state;
mod traffic_flowing;
mod volume_pressure;

pub use reason::{Reason, condition_types};

use super::{Assessment, text::one_line};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use state::{ConditionState, ConditionStatus};

type Evaluator = fn(&Assessment<'_>) -> Option<ConditionState>;

/// Every condition and the function that decides it; none where it has no meaning.
const CONDITIONS: [(&str, Evaluator); 9] = [
    (condition_types::ACCEPTED, |assessment| Some(accepted::evaluate(assessment))),
    (condition_types::READY, |assessment| Some(ready::evaluate(assessment))),
    (condition_types::PROGRESSING, |assessment| Some(progressing::evaluate(assessment))),
    (condition_types::RECONCILING, reconciling::evaluate),
    (condition_types::STALLED, stalled::evaluate),
    (condition_types::TRAFFIC_FLOWING, |assessment| Some(traffic_flowing::evaluate(assessment))),
    (condition_types::OVERLAY_CONNECTED, overlay_connected::evaluate),
    (condition_types::VOLUME_PRESSURE, volume_pressure::evaluate),
    (condition_types::ITEMS_DAMAGED, items_damaged::evaluate),
];

/// All conditions. The time of a transition changes only with the condition's status.
pub(super) fn all_conditions(assessment: &Assessment<'_>) -> Vec<Condition> {
    let states =
        CONDITIONS.iter().filter_map(|(type_, evaluate)| Some((*type_, evaluate(assessment)?)));
    states.map(|(type_, state)| build_condition(type_, state, assessment)).collect()
}

/// In characters. `Accepted` names every problem; what the others say fits on a line.
fn longest_message(type_: &str) -> usize {
    if type_ == condition_types::ACCEPTED { 4096 } else { 1000 }
}

fn build_condition(type_: &str, state: ConditionState, assessment: &Assessment<'_>) -> Condition {
    let status = state.status.as_str();
    let subject = &assessment.subject;
    let mut before = subject.previous.iter().flat_map(|status| &status.conditions);
    let same = before.find(|old| old.type_ == type_ && old.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: state.reason.as_str().to_owned(),
        message: one_line(&state.message, longest_message(type_)),
        observed_generation: Some(subject.generation),
        last_transition_time: same
            .map_or(Time(assessment.now), |old| old.last_transition_time.clone()),
    }
}
