//! The record that the steps of one reconcile fill: what the status follows from, and what later
//! steps depend on.

use super::error::ApplyError;
use crate::observe::{ApplyOutcome, IssueKind};
use std::{collections::BTreeSet, time::Duration};

/// The result of the steps of one reconcile.
#[derive(Debug, Default)]
pub(super) struct ReconcileOutcome {
    /// The part that the status follows from.
    pub(super) applied: ApplyOutcome,
    /// The specification cannot be reached from what runs: nothing that runs is deleted.
    pub(super) blocked: bool,
    /// StatefulSets that are not applied, because a claim of theirs is not ours or not there yet.
    pub(super) skipped_sets: BTreeSet<String>,
    /// The longest wait for the next reconcile, if no event comes first.
    pub(super) requeue_after: Option<Duration>,
}

impl ReconcileOutcome {
    /// Takes the result of one call: none if it failed with an issue of its own object.
    pub(super) fn record_result<T>(&mut self, result: Result<T, ApplyError>) -> Option<T> {
        result.map_err(|ApplyError(issue)| self.applied.issues.push(issue)).ok()
    }

    /// Whether the steps go on: not while the API server fails, while an object belongs to something
    /// else, or while this version cannot read one. What is made later may depend on what failed.
    pub(super) fn can_continue(&self) -> bool {
        self.applied.issues.iter().all(|issue| match issue.kind {
            IssueKind::Removal | IssueKind::Failed | IssueKind::Conflict => true,
            IssueKind::Unavailable | IssueKind::NameTaken | IssueKind::Unreadable => false,
        })
    }

    /// Whether objects that are no longer specified may be deleted in this reconcile.
    pub(super) fn can_delete(&self) -> bool {
        !self.blocked && self.applied.issues.is_empty()
    }

    /// Brings the next reconcile forward to `wait` from now.
    pub(super) fn requeue_within(&mut self, wait: Duration) {
        self.requeue_after = Some(self.requeue_after.map_or(wait, |earlier| earlier.min(wait)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Issue;

    #[test]
    fn what_the_rest_may_depend_on_stops_the_steps() {
        for (kind, goes_on) in [
            (IssueKind::Removal, true),
            (IssueKind::Failed, true),
            (IssueKind::Conflict, true),
            (IssueKind::Unavailable, false),
            (IssueKind::NameTaken, false),
            (IssueKind::Unreadable, false),
        ] {
            let mut outcome = ReconcileOutcome::default();
            outcome.applied.issues.push(Issue { kind, message: String::new() });
            assert_eq!(outcome.can_continue(), goes_on, "{kind:?}");
        }
    }
}
