//! The load: the end users of the model.
//!
//! They are an open loop: a new request begins when its time has come, whether or not those before
//! it have ended, and its latency counts from that time. So a stall shows in the quantiles as every
//! user would have felt it, which a loop that waits for answers would hide ("coordinated
//! omission").
//!
//! Owns when a request begins ([`schedule`]), what it is ([`users`]), what was acknowledged
//! ([`memory`]) and what came of it ([`tally`]). A read that begins after a write was acknowledged
//! and that finds the item gone or older is a lost write. What was acknowledged outlives changes of
//! the configuration, but not the process.
//!
//! What users ask for: writes take all items in turn; reads take any item that was acknowledged, as
//! long as its collection is still among those configured, and before there is one any item. That an item
//! which nobody was told of does not exist is no failure.
//!
//! It never retries like a program would: a request that fails has failed, except that a connection
//! that breaks is replaced once.

mod durability_checker;
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

/// How long a user waits for an answer, from the time at which the request should have begun.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests under way at a time. More wait for their turn, and their users with them; who has not
/// had a turn when the patience is over gives up, which counts as a failure. So at most
/// [`PATIENCE`] times the rate wait.
const MAX_IN_FLIGHT: usize = 2048;
