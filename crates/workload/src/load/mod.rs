//! The load: the virtual users of the model.
//!
//! An open loop: each request starts on schedule, whether or not earlier ones have ended, and its
//! latency counts from the scheduled start. So a stall shows in the quantiles as real users would
//! experience it; a loop that waits for each answer would hide it ("coordinated omission").
//!
//! Owns the schedule ([`schedule`]), the choice of requests ([`virtual_users`]), the acknowledged
//! writes ([`durability_checker`]) and the results ([`metrics`]). A read that starts after a write
//! was acknowledged and finds the item missing or older is a lost write. Acknowledged writes are
//! tracked across changes of the configuration, not across restarts.
//!
//! Writes take all items in turn. Reads choose at random among acknowledged items of the configured
//! collections, or among all items while there are none; a missing item without an acknowledged
//! write is not a failure.
//!
//! The virtual users start with the first answer of a target ([`first_answer`]): the parts of a new
//! model do not start at once. Until then the report says for how long the load has waited.
//!
//! Never retries as a smart client would: a request that fails counts as failed, except that a
//! broken connection is replaced once.

mod durability_checker;
mod first_answer;
mod metrics;
mod request;
mod role;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;
mod virtual_users;

pub use role::run;

use std::time::Duration;

/// The longest wait of a virtual user for an answer, from the scheduled start of the request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most requests in flight; more wait for their turn. A request that waits longer than
/// [`REQUEST_TIMEOUT`] is not sent and counts as failed, so at most that time multiplied by the
/// rate wait.
const MAX_IN_FLIGHT: usize = 2048;
