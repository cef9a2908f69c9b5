//! The wait for the first answer of a target, before the virtual users start.
//!
//! A new model's entry refuses connections until its pods are ready: refused requests would count as
//! failures of a model that has no users yet. For the same reason the reads are marked, so that the
//! components do not count those that fail. The wait has no bound, so the load reports its length,
//! and the operator decides when it is too long.

use super::{REQUEST_TIMEOUT, generator::Shared, request::read_and_check, virtual_users::nth_item};
use crate::runtime::headers::RequestContext;
use maquette_http_client::Backoff;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pauses between two attempts.
const ATTEMPT_PAUSES: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));

/// Reads one item after another until a target answers, with the item or that there is none. Each
/// attempt is about another target and item: one that is broken does not keep the load waiting.
pub(super) async fn await_first_answer(shared: &Shared) {
    let mut pauses = ATTEMPT_PAUSES;
    let mut reason = String::new();
    for attempt in 0_u64.. {
        shared.refresh_settings();
        let active = shared.active();
        let key = nth_item(&active.settings().mix, attempt);
        let context = RequestContext::new_waiting_read(Instant::now() + REQUEST_TIMEOUT);
        match read_and_check(active.client(attempt), &key, &context, &shared.checker).await {
            Ok(()) => return,
            // Only a change is logged.
            Err(failure) if failure.reason != reason => {
                reason = failure.reason;
                tracing::info!(reason, "the virtual users wait for the first answer");
            }
            Err(_) => {}
        }
        drop(active);
        sleep(pauses.next_pause()).await;
    }
}
