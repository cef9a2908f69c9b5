//! The load: the virtual users of the model.
//!
//! An open loop, unless the settings ask for a closed one: each request starts on schedule, whether
//! or not earlier ones have ended, and its latency counts from the scheduled start. So a stall shows
//! in the quantiles as real users would experience it; a loop that waits for each answer would hide
//! it ("coordinated omission").
//!
//! Owns when requests start ([`schedule`], [`generator`]), the choice of requests
//! ([`virtual_users`]), the connections to the targets ([`client`]), the check that answers agree
//! with each other ([`checker`]) and the results ([`metrics`]). What is known of items is kept
//! across changes of the configuration, not across restarts.
//!
//! Writes take all items in turn. Reads choose at random among known items of the configured
//! collections, or among all items while there are none; a missing item that was never known is not
//! a failure.
//!
//! The virtual users start with the first answer of a target: the parts of a new
//! model do not start at once. Until then the report says for how long the load has waited.
//!
//! Faults of the load are not faults of the model: a request that is due and cannot be sent, because
//! the process was suspended or is at one of its limits, is dropped and does not count as failed. The
//! time of a suspension counts neither against the time-out of a request in flight nor as its latency.
//! The report says whether the load keeps up; otherwise its rate and latencies are not valid.
//!
//! Never retries as a smart client would: a request that fails counts as failed, except that a
//! broken connection is replaced once.

mod checker;
mod client;
mod failure;
mod generator;
mod metrics;
mod request;
mod role;
mod schedule;
mod settings;
mod suspension;
#[cfg(test)]
mod tests;
mod virtual_users;

pub use role::run;

use std::time::Duration;

/// The longest wait of a virtual user for an answer, from the start of the request. Requests that
/// wait longer for their turn are dropped, so at most this time multiplied by the rate wait.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most requests in flight; more wait for their turn.
const MAX_IN_FLIGHT: usize = 2048;
