//! Reads and writes of items by quorum, and the scan of all items.
//!
//! Owns what a request needs until its result is correct: how many owners must reply, retries until
//! the deadline, and read repair. Items for which a write missed an owner go to
//! the [`RepairQueue`]; this module never repairs them itself, and never changes membership.
//!
//! # Why items are linearizable
//!
//! Each item is an atomic register of several writers (Attiya, Bar-Noy and Dolev, "Sharing Memory
//! Robustly in Message-Passing Systems", 1995; Lynch and Shvartsman, "Robust Emulation of Shared
//! Memory Using Dynamic Quorum-Acknowledged Broadcasts", 1997). Its operations are ordered by their
//! versions, which are unique:
//!
//! - *An operation sees every operation that ended before it began.* Both have queried a quorum, and
//!   the two quorums share a replica. A write takes a later version than any that it saw; a read
//!   returns the newest, once a write quorum has it.
//! - *A write that is superseded still takes effect.* A replica that has a newer version keeps that,
//!   and counts. The newer write began before this one ended, since this one did not see it at its
//!   start: it takes effect right before the newer one, and no read returns it.
//! - *The quorums share a replica although members change*: every request names its layouts, and a
//!   replica that has left them refuses ([`crate::peer::membership::Fence`]). The operation then goes
//!   on under the layouts of both.
//! - *A copy that counts is still there*: replies count only together with the volumes that they come
//!   from ([`volume_check`]).
//! - *A write takes effect once.* It has one version, drawn before it is sent to any replica. A
//!   request that was sent to another peer before is not made a second time: peers have no owner
//!   that could order two attempts ([`item_request::ItemRequest::wait_for_write`]). A write that fails may take
//!   effect later, once.

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
pub(crate) use volume_check::{VolumeCheck, VolumeVerdict};
