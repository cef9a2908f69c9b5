//! Publishes the status of an Architecture, and Events.
//!
//! Never decides the content of the status: `observe` does.

mod event_writer;
mod events;
mod status;

pub(super) use status::{is_ready, write_status};
