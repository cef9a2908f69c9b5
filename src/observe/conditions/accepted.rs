//! `Accepted`: whether the specification is one that can run.

use super::{Holds, Reason, Verdict, View};
use crate::observe::Acceptance;

pub(super) fn judge(view: &View<'_>) -> Verdict {
    match &view.facts.acceptance {
        Acceptance::Accepted { note } => Verdict::new(Holds::Yes, Reason::Accepted, note.clone()),
        Acceptance::Refused { problems } => Verdict::new(
            Holds::No,
            Reason::Refused,
            format!("{problems}. What runs stays as it is until this is mended"),
        ),
        Acceptance::Unreadable { problem } => Verdict::new(
            Holds::No,
            Reason::Unreadable,
            format!(
                "this version of Maquette cannot read {problem}. Change that, or run the version \
                 that wrote it. What runs stays as it is until then"
            ),
        ),
    }
}
