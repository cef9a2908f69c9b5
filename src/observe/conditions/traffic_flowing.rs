//! `TrafficFlowing`: whether users' requests are answered. Without a request nobody can tell:
//! `Unknown`, reason `NoTraffic`.

use super::{Holds, Reason, Verdict, View};
use crate::observe::words::count;
use maquette_contract::Traffic;

pub(super) fn judge(view: &View<'_>) -> Verdict {
    let users = view.users;
    let window = Traffic::WINDOW_SECONDS;
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
    if users.lost_writes > 0 {
        let lost = count(users.lost_writes, "acknowledged write");
        let message = format!("{flows}, but {lost} could not be read back since the load started");
        return Verdict::new(Holds::Yes, Reason::WritesLost, message);
    }
    Verdict::new(Holds::Yes, Reason::RequestsSucceed, flows)
}
