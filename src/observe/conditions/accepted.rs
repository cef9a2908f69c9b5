//! `Accepted`: whether the specification can run.

use super::{Assessment, ConditionState, Reason};
use crate::observe::Acceptance;

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    match &assessment.target.acceptance {
        Acceptance::Accepted { note } => ConditionState::new_true(Reason::Accepted, note.clone()),
        Acceptance::Refused { problems } => ConditionState::new_false(
            Reason::Refused,
            format!("{problems}. The running model is unchanged until this is fixed"),
        ),
        Acceptance::Unreadable { problem } => ConditionState::new_false(
            Reason::Unreadable,
            format!(
                "this version of Maquette cannot read {problem}. Change that, or run the version \
                 that wrote it. The running model is unchanged until then"
            ),
        ),
    }
}
