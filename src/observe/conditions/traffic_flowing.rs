//! `TrafficFlowing`: whether users' requests are answered, and what they wrote is kept. Without
//! requests it is `Unknown`, reason `NoTraffic`.
//!
//! A lost write or a wrong answer keeps the condition false: no later success repairs it.
//! The load counts them since its start, so a user who has seen the message restarts it.
//!
//! A load that cannot keep up is no fault of the model: the condition stays true, and its reason says
//! that the load's figures are not valid.

use super::{Assessment, ConditionState, Reason, condition_types, state::held_condition};
use crate::observe::{
    REPORT_TTL,
    text::counted,
    traffic::{FirstAnswer, IDLE_SECONDS},
};
use maquette_contract::{LoadObservation, Role, Traffic};

/// The reasons of this condition.
const REASONS: [Reason; 7] = [
    Reason::RequestsSucceed,
    Reason::RequestsFailing,
    Reason::WritesLost,
    Reason::WrongAnswers,
    Reason::LoadBehind,
    Reason::NoTraffic,
    Reason::NotReported,
];

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    let traffic = assessment.traffic;
    let window = Traffic::WINDOW_SECONDS;
    if traffic.lost_writes > 0 {
        return ConditionState::new_false(Reason::WritesLost, lost_writes_message(assessment));
    }
    if traffic.wrong_answers > 0 {
        let message = wrong_answers_message(assessment);
        return ConditionState::new_false(Reason::WrongAnswers, message);
    }
    if traffic.failures > 0 {
        let message = format!("requests failed in the last {window} s");
        return ConditionState::new_false(Reason::RequestsFailing, message);
    }
    if traffic.is_awaited
        && let Some(held) =
            held_condition(assessment.subject, condition_types::TRAFFIC_FLOWING, &REASONS)
    {
        return held;
    }
    if traffic.load_report_missing {
        let message = format!("the load did not report in the last {} s", REPORT_TTL.as_secs());
        return ConditionState::new_unknown(Reason::NotReported, message);
    }
    first_answer_missing(assessment)
        .or_else(|| no_requests(assessment))
        .or_else(|| load_behind(assessment))
        .unwrap_or_else(|| requests_succeed(window))
}

/// The message has no numbers: they change all the time, and the load's metrics have them.
fn load_behind(assessment: &Assessment<'_>) -> Option<ConditionState> {
    if !assessment.traffic.is_load_behind {
        return None;
    }
    let message = format!(
        "requests are answered, but the load's rate and latencies of the last {} min are not valid: \
         it sent more than 1 in 100 requests of {} s late or not at all; lower \
         spec.load.requestsPerSecond or spec.load.closedLoop.users, or raise \
         spec.load.resources.limits.cpu",
        LoadObservation::BEHIND_SECONDS / 60,
        Traffic::WINDOW_SECONDS
    );
    Some(ConditionState::new_true(Reason::LoadBehind, message))
}

fn requests_succeed(window: u64) -> ConditionState {
    let message = format!("requests are answered; none failed in the last {window} s");
    ConditionState::new_true(Reason::RequestsSucceed, message)
}

/// The load sends one request after another until one is answered; only then its users start.
fn first_answer_missing(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let window = Traffic::WINDOW_SECONDS;
    match assessment.traffic.first_answer {
        FirstAnswer::Received => None,
        FirstAnswer::Pending => {
            let message = "the load waits for the entry to answer";
            Some(ConditionState::new_unknown(Reason::NoTraffic, message))
        }
        FirstAnswer::Overdue => {
            let message = format!(
                "no request of the load has succeeded since it started, more than {window} s ago; the \
                 load's log says why: {}",
                logs_command(assessment)
            );
            Some(ConditionState::new_false(Reason::RequestsFailing, message))
        }
    }
}

fn no_requests(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let (traffic, window) = (assessment.traffic, Traffic::WINDOW_SECONDS);
    let message = match (traffic.has_load, traffic.requests > 0 || traffic.had_success) {
        // A load on a schedule sends at least one request a second; users who think may pause longer.
        (true, had_success) if traffic.requests == 0 && !(traffic.has_pauses && had_success) => {
            format!("no request of the load ended in the last {window} s")
        }
        (true, _) | (false, true) => return None,
        (false, false) => {
            let minutes = IDLE_SECONDS / 60;
            format!(
                "there is no load, and no other request has succeeded in the last {minutes} min"
            )
        }
    };
    Some(ConditionState::new_unknown(Reason::NoTraffic, message))
}

fn load_objects(assessment: &Assessment<'_>) -> String {
    let identity = assessment.subject.identity;
    let components = assessment.target.components.iter();
    let loads = components.filter(|component| component.role() == Role::Load);
    let objects: Vec<_> = loads
        .map(|component| format!("deployment/{}", identity.name.object_name(&component.name)))
        .collect();
    objects.join(" ")
}

fn logs_command(assessment: &Assessment<'_>) -> String {
    let (namespace, objects) = (&assessment.subject.identity.namespace, load_objects(assessment));
    format!("kubectl -n {namespace} logs {objects}")
}

/// What was lost, where to look, and how to clear the message.
fn lost_writes_message(assessment: &Assessment<'_>) -> String {
    let lost = counted(assessment.traffic.lost_writes, "acknowledged write");
    let finding = format!("{lost} could not be read back since the load started");
    format!("{finding}. {}", until_restart(assessment))
}

/// The message has no count: it grows with each answer.
fn wrong_answers_message(assessment: &Assessment<'_>) -> String {
    let finding = "answers have contradicted earlier ones since the load started: a value that was not \
                   written to the item or not under this version, or a version that went back";
    format!("{finding}. {}", until_restart(assessment))
}

fn until_restart(assessment: &Assessment<'_>) -> String {
    let (logs, objects) = (logs_command(assessment), load_objects(assessment));
    let namespace = &assessment.subject.identity.namespace;
    format!(
        "Its log names them: {logs}. This stays until the load is restarted: kubectl -n {namespace} \
         rollout restart {objects}"
    )
}
