//! A panic in the reconcile of one Architecture: it ends no other, and the status says so.

use super::{
    super::{
        context::{Context, ReconcileContext},
        watch::LenientArchitecture,
    },
    status::apply_status,
};
use crate::observe::{PanicReport, status_after_panic};
use k8s_openapi::jiff::Timestamp;

/// Writes a status that names the panic and leaves the rest as it was.
pub(in crate::reconcile) async fn report_panic(
    shared: &Context,
    architecture: &LenientArchitecture,
    message: &str,
) {
    let Ok(cx) = ReconcileContext::new(shared, architecture) else { return };
    let before = architecture.status.as_ref();
    let report = PanicReport { message, generation: cx.generation(), now: Timestamp::now() };
    let status = status_after_panic(before, &report);
    if before != Some(&status) {
        let written = apply_status(&cx, &status).await;
        if let Err(error) = written {
            tracing::warn!(architecture = %cx.key(), error = error.0.message, "no status written");
        }
    }
}
