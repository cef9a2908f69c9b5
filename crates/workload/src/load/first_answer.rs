//! The wait for the first answer of a target, before the virtual users start.
//!
//! A new model's entry refuses connections until its pods are ready: refused requests would count as
//! failures of a model that has no users yet. For the same reason the reads are marked, so that the
//! components do not count those that fail. The wait has no bound, so the load reports its length,
//! and the operator decides when it is too long.

use super::{REQUEST_TIMEOUT, request::read_item, settings::LoadSettings, virtual_users::nth_item};
use crate::runtime::{Runtime, headers::RequestContext};
use maquette_http_client::Backoff;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// The pauses between two attempts.
const ATTEMPT_PAUSES: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));

/// Reads one item after another until a target answers, with the item or that there is none. Each
/// attempt is about another target and item: one that is broken does not keep the load waiting.
pub(super) async fn await_first_answer(runtime: &Arc<Runtime<LoadSettings>>) {
    let mut pauses = ATTEMPT_PAUSES;
    let mut reason = String::new();
    for attempt in 0_u64.. {
        let guard = runtime.config.begin_request();
        let settings = &guard.settings;
        let turn = usize::try_from(attempt).unwrap_or(0) % settings.targets.len();
        let key = nth_item(&settings.mix, attempt);
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let context = RequestContext::new_waiting_read(deadline);
        match read_item(&settings.targets[turn], &key, context).await {
            Ok(_) => return,
            // Only a change is logged.
            Err(failure) if failure.reason != reason => {
                reason = failure.reason;
                tracing::info!(reason, "the virtual users wait for the first answer");
            }
            Err(_) => {}
        }
        drop(guard);
        sleep(pauses.next_pause()).await;
    }
}
