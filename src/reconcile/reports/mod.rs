//! The pods' reports.
//!
//! Owns when each pod is polled and which of its reports count. It never decides what a report
//! means: `observe` does.

mod choose;
mod digest;
mod fetch;
mod poll;
mod schedule;
mod store;
#[cfg(test)]
mod tests;

pub(super) use choose::PollMode;
pub(super) use poll::Poller;
pub(super) use schedule::PollSchedule;
pub(super) use store::ReportStore;
