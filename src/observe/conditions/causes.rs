//! Causes that several conditions share.

use super::{Assessment, ConditionState, Reason};
use crate::observe::{Acceptance, IssueKind, text::join_items};

/// False while the specification cannot run.
pub(super) fn spec_refused(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let (reason, message) = match &assessment.target.acceptance {
        Acceptance::Accepted { .. } => return None,
        Acceptance::Refused { problems } => {
            (Reason::Refused, format!("the specification is refused: {problems}"))
        }
        Acceptance::Unreadable { problem } => (
            Reason::Unreadable,
            format!("the specification cannot be read by this version: {problem}"),
        ),
    };
    Some(ConditionState::new_false(reason, message))
}

/// The worst kind of issue, and a condition that is false because of it; none without issues.
pub(super) fn worst_issue(assessment: &Assessment<'_>) -> Option<(IssueKind, ConditionState)> {
    let issues = &assessment.outcome.issues;
    let worst = issues.iter().map(|issue| issue.kind).max()?;
    let reason = match worst {
        IssueKind::Removal => Reason::WaitingForRemoval,
        IssueKind::Unavailable | IssueKind::Failed => Reason::ApplyFailed,
        IssueKind::Conflict | IssueKind::NameTaken => Reason::Conflict,
        IssueKind::Unreadable => Reason::Unreadable,
    };
    let messages = issues.iter().filter(|issue| issue.kind == worst).map(|i| i.message.clone());
    Some((worst, ConditionState::new_false(reason, join_items(messages))))
}

/// False while the specification cannot be reached from what runs.
pub(super) fn blocked(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let blockers = &assessment.target.blockers;
    if blockers.is_empty() {
        return None;
    }
    Some(ConditionState::new_false(Reason::Blocked, join_items(blockers.iter().cloned())))
}
