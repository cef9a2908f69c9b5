//! `TrafficFlowing`: whether users' requests are answered, and what they wrote is kept. Without a
//! request nobody can tell: `Unknown`, reason `NoTraffic`.
//!
//! A lost write is not forgotten by itself: it breaks a promise, and no later success mends it. The
//! load counts them since its start, so a person who has seen it starts the load anew.

use super::{Assessment, ConditionState, ConditionStatus, Reason};
use crate::observe::text::counted;
use maquette_contract::{Role, Traffic};

pub(super) fn evaluate(view: &Assessment<'_>) -> ConditionState {
    let users = view.traffic;
    let window = Traffic::WINDOW_SECONDS;
    if users.lost_writes > 0 {
        return ConditionState::new(
            ConditionStatus::False,
            Reason::WritesLost,
            lost_writes_message(view),
        );
    }
    if users.failures > 0 {
        let message = format!("requests failed in the last {window} s");
        return ConditionState::new(ConditionStatus::False, Reason::RequestsFailing, message);
    }
    if users.load_report_missing {
        let message = "the load has not reported of late";
        return ConditionState::new(ConditionStatus::Unknown, Reason::NotReported, message);
    }
    if users.requests == 0 {
        let message = match users.has_load {
            true => format!("no request of the load ended in the last {window} s"),
            false => "there is no load, and nobody else sent a request of late".to_owned(),
        };
        return ConditionState::new(ConditionStatus::Unknown, Reason::NoTraffic, message);
    }
    let flows = format!("requests are answered; none failed in the last {window} s");
    ConditionState::new(ConditionStatus::True, Reason::RequestsSucceed, flows)
}

/// What was lost, where to look, and how to be rid of it.
fn lost_writes_message(view: &Assessment<'_>) -> String {
    let lost = counted(view.traffic.lost_writes, "acknowledged write");
    let identity = view.facts.identity;
    let loads = view.facts.components.iter().filter(|component| component.role() == Role::Load);
    let objects =
        loads.map(|component| format!("deployment/{}", identity.name.object_name(&component.name)));
    let (namespace, objects) = (&identity.namespace, objects.collect::<Vec<_>>().join(" "));
    format!(
        "{lost} could not be read back since the load started. Its log names them: kubectl -n \
         {namespace} logs {objects}. This stays until the load starts anew: kubectl -n {namespace} \
         rollout restart {objects}"
    )
}
