//! The watches of the API server and their caches.
//!
//! Owns the caches, the queue of Architectures that need a reconcile, the health of the watches,
//! and which installation of the operator builds an Architecture that several watch. It never
//! writes to the API server and never decides what an event means.

mod cache;
mod caches;
mod causes;
mod health;
mod installation;
mod last_seen;
mod lenient;
mod object;
mod position;
mod queue;
mod rollout_slots;
mod scope;
mod watcher;

pub(super) use cache::Cache;
pub(super) use caches::{Caches, WatchSet};
pub(super) use causes::{
    AutoscalerAnswer, AutoscalerReadings, CauseReader, CauseReadings, CauseRequest, CauseSource,
    ForeignObjects, NameReservations,
};
pub(super) use health::Health;
pub(super) use installation::{Installation, LeftReport, OtherInstallation, OtherReason};
pub(super) use last_seen::{LastSeen, SeenOwner};
pub(super) use lenient::LenientArchitecture;
pub(super) use object::{has_create_fields, is_create_entry};
pub(super) use position::WriteFence;
pub(super) use queue::{NextTurn, Queue};
pub(super) use rollout_slots::{RolloutSlots, SLOT_RETRY};
pub(super) use scope::WatchScope;
