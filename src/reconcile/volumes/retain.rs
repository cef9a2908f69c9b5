//! Applies `retention.whenDeleted` before anything else can fail: a deletion may follow at once.

use super::{
    super::{context::ReconcileContext, outcome::ReconcileOutcome},
    ownership::{is_labelled, is_terminating, set_ownership, was_used},
};
use crate::api::Retention;

/// Makes the Architecture the owner of the volumes that it used, or not, as `whenDeleted` says. It
/// needs no other field of the specification, so it also holds for one that is refused.
pub(in crate::reconcile) async fn set_claim_owners(
    cx: &ReconcileContext<'_>,
    outcome: &mut ReconcileOutcome,
) {
    let Some(when_deleted) = cx.architecture.when_deleted else { return };
    let retention = Retention { when_deleted, ..Retention::default() };
    for claim in cx.shared.caches.claims.objects_of(cx.key()) {
        let metadata = &claim.metadata;
        let is_ours = is_labelled(cx, metadata) && was_used(cx, metadata);
        if is_ours && !is_terminating(cx, metadata) {
            let result = set_ownership(cx, &claim, &retention).await;
            outcome.record_result(result);
        }
    }
}
