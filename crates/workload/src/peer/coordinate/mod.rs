//! Reads and writes of items by quorum, and the scan of all items.
//!
//! Owns what a request needs until its result is correct: how many owners must reply, retries until
//! the deadline, and read repair. Items for which a write missed an owner go to
//! the [`RepairQueue`]; this module never repairs them itself, and never changes membership.

mod coordinator;
mod item;
mod item_request;
mod operation_layouts;
mod quorum;
mod quorum_read;
mod repair_queue;
mod scan;
mod summary;
mod unavailable;
mod volume_check;

pub(crate) use coordinator::Coordinator;
#[cfg(test)]
pub(crate) use quorum::Quorum;
pub(crate) use repair_queue::RepairQueue;
pub(crate) use scan::{Collector, collect_items};
pub(crate) use unavailable::Unavailable;
#[cfg(test)]
pub(crate) use volume_check::{Admission, VolumeCheck};
