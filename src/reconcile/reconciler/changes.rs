//! The steps that change the cluster, in their order.

use super::{
    super::{
        apply::{
            NameCheck, adopt_orphans, apply_objects, check_names, prune_objects,
            refresh_stale_pods, run_canaries,
        },
        context::ReconcileContext,
        outcome::ReconcileOutcome,
        volumes::{check_claim_names, ensure_claims, release_claims},
    },
    decision::PendingChange,
};
use crate::{
    observe::{Issue, RunningTopology, Snapshot},
    render::ObjectsByKind,
};

/// Makes the objects of `change`. Ends early when the rest must wait for what failed. Returns why
/// the rollout stops, if the API server refuses a canary pod.
pub(super) async fn make_changes(
    cx: &ReconcileContext<'_>,
    change: PendingChange,
    snapshot: &Snapshot,
    running: &RunningTopology,
    outcome: &mut ReconcileOutcome,
) -> Option<String> {
    let PendingChange { mut objects, wanted, retention, is_blocked, mut rollout, withheld_sets } =
        change;
    outcome.blocked = is_blocked;
    // Before the claims: a StatefulSet that is created again for larger volumes keeps its template.
    outcome.skipped_sets = withheld_sets;
    let conflicts = find_name_conflicts(cx, wanted.iter().chain([&objects])).await;
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
    if outcome.can_continue() {
        return run_canaries(cx, &mut rollout, outcome).await;
    }
    None
}

/// The names of `objects` that belong to something else. The others are reserved.
async fn find_name_conflicts<'a>(
    cx: &ReconcileContext<'_>,
    objects: impl Iterator<Item = &'a ObjectsByKind>,
) -> Vec<Issue> {
    let mut names = NameCheck::default();
    for objects in objects {
        names.extend(check_names(cx, objects).await);
        names.extend(check_claim_names(cx, &objects.stateful_sets).await);
    }
    names.reserve(cx)
}
