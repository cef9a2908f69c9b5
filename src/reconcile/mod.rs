//! The controller: makes the cluster what the Architectures ask for, and tells how they do.
//!
//! Owns every request to the API server and to pods. It never decides what is to run (`plan`,
//! `evolve`), what an object says (`render`) or what works (`observe`).
//!
//! What is not there on purpose: no finalizer (owner references and the garbage collector remove
//! what was made), no read before a write of something new, and no write that would change nothing.

mod admin;
mod apply;
mod cache;
mod caches;
mod client;
mod context;
mod delete;
mod error;
mod events;
mod evolution_metrics;
mod fetch;
mod health;
mod key;
mod kubelet_refresh;
mod last_seen;
mod lease;
mod lenient;
mod metrics;
mod poll;
mod prune;
mod queue;
mod reconcile_context;
mod reconciler;
mod reports;
mod run;
mod scope;
mod state;
mod status;
mod volumes;
mod watch;

pub use run::{Options, RunError, run};
