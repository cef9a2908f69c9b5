//! The interfaces of a peer for users and for other components.
//!
//! Owns the mapping from the interfaces of [`crate::http`] and [`crate::migration`] to the peers:
//! which backend serves a request, and the deadline that the peers have for it. It never decides
//! how an item is read or written.

mod collection;
mod http_api;
mod internal_items;
mod migration_target;

pub(crate) use migration_target::OwnedItemsSink;

use super::{handle::PeerHandle, settings::PeerSettings};
use crate::http::{HttpError, Request};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Kept back from the time of a request, so that a refusal still arrives with its reasons.
const ANSWER_MARGIN: Duration = Duration::from_millis(50);

/// A peer, as the traffic port serves it.
pub(super) struct PeerApi(pub(super) Arc<PeerHandle>);

/// The deadline that the peers have for a request.
fn answer_deadline(request: &Request<PeerSettings>) -> Instant {
    let now = Instant::now();
    let left = request.context.deadline.saturating_duration_since(now);
    now + left.saturating_sub(ANSWER_MARGIN)
}

/// 503 with the reason.
fn unavailable_error(error: impl ToString) -> HttpError {
    HttpError::unavailable(error.to_string())
}
