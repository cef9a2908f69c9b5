//! Publishes the status of an Architecture, and Events.
//!
//! Never decides the content of the status: `observe` does.

mod events;
mod panic;
mod status;

pub(super) use panic::{catch_panic, report_panic};
pub(super) use status::{is_ready, write_status};
