//! Causes that make `Ready` and `Progressing` false alike.

use super::{Assessment, ConditionState, Reason};
use crate::observe::{IssueKind, text::join_items};

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
