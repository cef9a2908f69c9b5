//! Publishes what is known of an Architecture: its status and Events.
//!
//! Never decides what the status says: `observe` does.

mod events;
mod status;

pub(super) use status::{is_ready, write_status};
