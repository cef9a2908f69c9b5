//! `TrafficFlowing`: whether users' requests are answered, and what they wrote is kept. Without
//! requests it is `Unknown`, reason `NoTraffic`.
//!
//! A lost write keeps the condition false: no later success repairs it.
//! The load counts lost writes since its start, so a user who has seen the message restarts it.

use super::{Assessment, ConditionState, Reason};
use crate::observe::{REPORT_TTL, text::counted};
use maquette_contract::{Role, Traffic};

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    let traffic = assessment.traffic;
    let window = Traffic::WINDOW_SECONDS;
    if traffic.lost_writes > 0 {
        return ConditionState::new_false(Reason::WritesLost, lost_writes_message(assessment));
    }
    if traffic.failures > 0 {
        let message = format!("requests failed in the last {window} s");
        return ConditionState::new_false(Reason::RequestsFailing, message);
    }
    if traffic.load_report_missing {
        let message = format!("the load did not report in the last {} s", REPORT_TTL.as_secs());
        return ConditionState::new_unknown(Reason::NotReported, message);
    }
    if traffic.requests == 0 {
        let message = match traffic.has_load {
            true => format!("no request of the load ended in the last {window} s"),
            false => format!("there is no load, and no other request in the last {window} s"),
        };
        return ConditionState::new_unknown(Reason::NoTraffic, message);
    }
    let message = format!("requests are answered; none failed in the last {window} s");
    ConditionState::new_true(Reason::RequestsSucceed, message)
}

/// What was lost, where to look, and how to clear the message.
fn lost_writes_message(assessment: &Assessment<'_>) -> String {
    let lost = counted(assessment.traffic.lost_writes, "acknowledged write");
    let identity = assessment.subject.identity;
    let components = assessment.target.components.iter();
    let loads = components.filter(|component| component.role() == Role::Load);
    let objects: Vec<_> = loads
        .map(|component| format!("deployment/{}", identity.name.object_name(&component.name)))
        .collect();
    let (namespace, objects) = (&identity.namespace, objects.join(" "));
    format!(
        "{lost} could not be read back since the load started. Its log names them: kubectl -n \
         {namespace} logs {objects}. This stays until the load is restarted: kubectl -n \
         {namespace} rollout restart {objects}"
    )
}
