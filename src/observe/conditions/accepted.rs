//! `Accepted`: whether the specification is one that can run.

use super::{Assessment, ConditionState, ConditionStatus, Reason};
use crate::observe::Acceptance;

pub(super) fn evaluate(view: &Assessment<'_>) -> ConditionState {
    match &view.facts.acceptance {
        Acceptance::Accepted { note } => {
            ConditionState::new(ConditionStatus::True, Reason::Accepted, note.clone())
        }
        Acceptance::Refused { problems } => ConditionState::new(
            ConditionStatus::False,
            Reason::Refused,
            format!("{problems}. What runs stays as it is until this is mended"),
        ),
        Acceptance::Unreadable { problem } => ConditionState::new(
            ConditionStatus::False,
            Reason::Unreadable,
            format!(
                "this version of Maquette cannot read {problem}. Change that, or run the version \
                 that wrote it. What runs stays as it is until then"
            ),
        ),
    }
}
