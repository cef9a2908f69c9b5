//! `TrafficFlowing`: whether users' requests are answered, and what they wrote is kept. Without a
//! request nobody can tell: `Unknown`, reason `NoTraffic`.
//!
//! A lost write is not forgotten by itself: it breaks a promise, and no later success mends it. The
//! load counts them since its start, so a person who has seen it starts the load anew.

use super::{Holds, Reason, Verdict, View};
use crate::observe::words::count;
use maquette_contract::{Role, Traffic};

pub(super) fn judge(view: &View<'_>) -> Verdict {
    let users = view.users;
    let window = Traffic::WINDOW_SECONDS;
    if users.lost_writes > 0 {
        return Verdict::new(Holds::No, Reason::WritesLost, lost(view));
    }
    if users.failures > 0 {
        let message = format!("requests failed in the last {window} s");
        return Verdict::new(Holds::No, Reason::RequestsFailing, message);
    }
    if users.load_silent {
        let message = "the load has not reported of late";
        return Verdict::new(Holds::Unknown, Reason::NotReported, message);
    }
    if users.requests == 0 {
        let message = match users.load {
            true => format!("no request of the load ended in the last {window} s"),
            false => "there is no load, and nobody else sent a request of late".to_owned(),
        };
        return Verdict::new(Holds::Unknown, Reason::NoTraffic, message);
    }
    let flows = format!("requests are answered; none failed in the last {window} s");
    Verdict::new(Holds::Yes, Reason::RequestsSucceed, flows)
}

/// What was lost, where to look, and how to be rid of it.
fn lost(view: &View<'_>) -> String {
    let lost = count(view.users.lost_writes, "acknowledged write");
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
