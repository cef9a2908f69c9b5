//! The limits on requests: in flight, in hops and in time.

use super::HttpError;
use crate::runtime::headers::RequestContext;
use axum::http::StatusCode;
use std::time::Duration;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

/// Requests with small bodies that are in flight at once; more are answered with 503. While a store
/// is down every request waits, at most for 10 s: this is enough for 200 requests a second.
pub(super) const MAX_IN_FLIGHT: usize = 2048;

/// Less time is not enough for the answer of a component that has to work for it.
const MIN_TIME: Duration = Duration::from_millis(5);

/// The bytes of a body that one permit allows; see [`MAX_IN_FLIGHT`].
const BYTES_PER_PERMIT: usize = 2 << 10;

/// The permits that a request takes whose body has this size: one, and more for a large body. The
/// body has arrived, so its size is known even if it was chunked.
pub(super) fn required_permits(body_bytes: usize) -> u32 {
    u32::try_from(1 + body_bytes / BYTES_PER_PERMIT).unwrap_or(u32::MAX)
}

/// Receives the rest of a request, before it takes any permit. The time that the body of a user's
/// request takes does not count against its deadline: a slow client makes no component fail.
pub(super) async fn receive<T>(
    context: &mut RequestContext,
    parsing: impl Future<Output = Result<T, HttpError>> + Send,
) -> Result<T, HttpError> {
    let start = Instant::now();
    let Ok(parsed) = timeout_at(context.deadline, parsing).await else {
        let message = "the body did not arrive before the deadline of the request";
        return Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, message));
    };
    context.add_receiving_time(start.elapsed());
    parsed
}

/// Does the work of a request if enough permits are free, until its deadline.
pub(super) async fn within_limits<T>(
    permits: &Semaphore,
    required: u32,
    context: &RequestContext,
    work: impl Future<Output = Result<T, HttpError>> + Send,
) -> Result<T, HttpError> {
    context
        .check_hops()
        .map_err(|error| HttpError::new(StatusCode::LOOP_DETECTED, error.to_string()))?;
    if context.deadline < Instant::now() + MIN_TIME {
        let message = "the deadline of the request is too near for an answer; nothing was done";
        return Err(HttpError::gateway_timeout(message));
    }
    let Ok(_permits) = permits.try_acquire_many(required) else {
        let message = "this pod has as many requests in flight as it allows; try again later";
        return Err(HttpError::unavailable(message));
    };
    match timeout_at(context.deadline, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HttpError::gateway_timeout("the request did not end before its deadline")),
    }
}
