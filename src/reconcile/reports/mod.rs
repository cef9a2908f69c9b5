//! The pods' reports.
//!
//! Owns when each pod is polled and which of its reports count. It never decides what a report
//! means: `observe` does.

mod fetch;
mod poll;
mod store;

pub(super) use fetch::ReportFetcher;
pub(super) use poll::{PollSchedule, Poller};
pub(super) use store::ReportStore;
