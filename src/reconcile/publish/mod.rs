//! Publishes the status of an Architecture, and Events.
//!
//! Never decides the content of the status: `observe` does.

mod event_writer;
mod events;
mod left_alone;
mod panic;
mod status;

pub(super) use left_alone::leave_alone;
pub(super) use panic::report_panic;
pub(super) use status::{find_ready, is_ready, write_status};
