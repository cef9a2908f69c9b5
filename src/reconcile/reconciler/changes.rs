//! The steps that change the cluster, in their order.

use super::{
    super::{
        apply::{
            adopt_orphans, apply_objects, find_name_conflicts, prune_objects, refresh_stale_pods,
        },
        context::ReconcileContext,
        outcome::ReconcileOutcome,
        volumes::{ensure_claims, find_claim_conflicts, release_claims},
    },
    decision::Change,
};
use crate::{
    observe::{Issue, RunningTopology, Snapshot},
    render::ObjectsByKind,
};

/// Makes the objects of `change`. Ends early when the rest must wait for what failed.
pub(super) async fn make_changes(
    cx: &ReconcileContext<'_>,
    change: Change,
    snapshot: &Snapshot,
    running: &RunningTopology,
    outcome: &mut ReconcileOutcome,
) {
    let Change { mut objects, wanted, retention, is_blocked } = change;
    outcome.blocked = is_blocked;
    let conflicts = find_conflicts(cx, wanted.iter().chain([&objects])).await;
    outcome.applied.issues.extend(conflicts);
    if outcome.can_continue() {
        adopt_orphans(cx, outcome).await;
    }
    if outcome.can_continue() {
        ensure_claims(cx, &mut objects.stateful_sets, &retention, snapshot, outcome).await;
    }
    if outcome.can_continue() {
        apply_objects(cx, &objects, outcome).await;
    }
    if outcome.can_continue() {
        prune_objects(cx, &objects, outcome).await;
    }
    if outcome.can_continue() {
        release_claims(cx, &objects.stateful_sets, &retention, outcome).await;
    }
    if outcome.can_continue() {
        refresh_stale_pods(cx, &objects.config_maps, running, outcome).await;
    }
}

/// The names among those of `objects` that belong to something else, each once.
async fn find_conflicts<'a>(
    cx: &ReconcileContext<'_>,
    objects: impl Iterator<Item = &'a ObjectsByKind>,
) -> Vec<Issue> {
    let mut conflicts: Vec<Issue> = vec![];
    for objects in objects {
        conflicts.extend(find_name_conflicts(cx, objects).await);
        conflicts.extend(find_claim_conflicts(cx, &objects.stateful_sets).await);
    }
    conflicts.sort_by(|a, b| a.message.cmp(&b.message));
    conflicts.dedup();
    conflicts
}
