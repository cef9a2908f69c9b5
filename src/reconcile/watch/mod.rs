//! The watches of the API server and their caches.
//!
//! Owns the caches, the queue of Architectures that need a reconcile, and the health of the
//! watches. It never writes to the API server and never decides what an event means.

mod cache;
mod caches;
mod health;
mod last_seen;
mod lenient;
mod managed_fields;
mod position;
mod queue;
mod rollout_slots;
mod watcher;

pub(super) use cache::Cache;
pub(super) use caches::{Caches, WatchScope, WatchSet};
pub(super) use health::Health;
pub(super) use last_seen::LastSeen;
pub(super) use lenient::LenientArchitecture;
pub(super) use managed_fields::{has_create_fields, is_create_entry};
pub(super) use position::WriteFence;
pub(super) use queue::{Queue, new_queue};
pub(super) use rollout_slots::RolloutSlots;
