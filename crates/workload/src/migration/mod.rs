//! Online migration of items: from a source, where they were before, to a target, while both are in
//! use; see [`maquette_contract::MigrationSource`].
//!
//! Owns the order in which source and target are read and written ([`dual_write`]), the backfill in
//! the background ([`backfill_driver`], of which [`backfill`] is one pass) and its report
//! ([`progress`], [`metrics`]). The target implements [`MigrationTarget`] for requests and
//! [`BackfillSink`] for the backfill: it is a service's own store, or the peers, of which each
//! fills its own disk. This module serves no requests, and reads no collection that the component
//! does not own.
//!
//! # How a role migrates
//!
//! 1. Its settings hold [`Sources`], from [`Sources::validate`], [`Sources::build`] (which keeps
//!    the connections and probes of the configuration before), [`Sources::edges`] and
//!    [`Sources::observations`]. Which collections the component owns is a
//!    [`maquette_contract::CollectionSet`]; peers own every collection.
//! 2. A request for an item looks up [`Sources::source_of`] its collection. If there is a source, it
//!    calls [`Source::read_newest`] or [`Source::write_both`] instead of the target alone.
//! 3. The summary merges [`Sources::summarize`] into its own part.
//! 4. [`run_backfills`] runs beside the requests, until the pod drains.
//!
//! Deadline, trace and query log are those of a [`crate::backend::QueryContext`].
//!
//! # Invariants
//!
//! A write is in the source before it is in the target, and acknowledged when it is in both. So the
//! source is complete for as long as any component uses it alone, and it orders all writes. An
//! answer is never newer than the item in the target: a pod whose configuration no longer names the
//! source reads the target alone, and there the same item or a newer one.

mod backfill;
mod backfill_driver;
mod collection_sets;
mod dual_write;
mod metrics;
mod progress;
mod source_client;
mod sources;

pub(crate) use backfill::BackfillSink;
pub(crate) use backfill_driver::{BackfillJob, run_backfills};
pub(crate) use dual_write::MigrationTarget;
pub(crate) use sources::{Source, Sources};
