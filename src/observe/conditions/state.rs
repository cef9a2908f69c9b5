//! One condition before it is written.

use super::Reason;
use crate::observe::{Subject, first_poll::previous_condition};

/// Kubernetes' three values of a condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl ConditionStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Status, reason and message of one condition.
pub(super) struct ConditionState {
    pub(super) status: ConditionStatus,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl ConditionState {
    pub(super) fn new_true(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::True, reason, message: message.into() }
    }

    pub(super) fn new_false(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::False, reason, message: message.into() }
    }

    pub(super) fn new_unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::Unknown, reason, message: message.into() }
    }
}

/// A condition of the previous status, which has one of `reasons`.
pub(super) fn held_condition(
    subject: Subject<'_>,
    type_: &str,
    reasons: &[Reason],
) -> Option<ConditionState> {
    let previous = previous_condition(subject, type_)?;
    let reason = *reasons.iter().find(|reason| reason.as_str() == previous.reason)?;
    let message = previous.message.clone();
    match previous.status.as_str() {
        "True" => Some(ConditionState::new_true(reason, message)),
        "False" => Some(ConditionState::new_false(reason, message)),
        _ => Some(ConditionState::new_unknown(reason, message)),
    }
}
