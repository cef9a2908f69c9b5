//! A panic in the reconcile of one Architecture: it ends no other, and the status says so.

use super::{
    super::{
        context::{Context, ReconcileContext},
        watch::LenientArchitecture,
    },
    status::apply_status,
};
use crate::observe::{PanicReport, status_after_panic};
use futures::FutureExt;
use k8s_openapi::jiff::Timestamp;
use std::{any::Any, panic::AssertUnwindSafe};

/// The output of `future`, or the message of its panic.
pub(in crate::reconcile) async fn catch_panic<T>(
    future: impl Future<Output = T>,
) -> Result<T, String> {
    // What a panic leaves half changed is behind locks that outlive it: caches and records that the
    // next reconcile reads again.
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| panic_message(&*payload))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_message() {
        assert_eq!(catch_panic(async { 5 }).await, Ok(5));
        let at_once = catch_panic(async { panic!("index {} is too large", 7) }).await;
        assert_eq!(at_once, Err::<(), _>("index 7 is too large".to_owned()));
        let later = catch_panic(async {
            tokio::task::yield_now().await;
            panic!("after an await")
        });
        assert_eq!(later.await, Err::<(), _>("after an await".to_owned()));
    }
}
