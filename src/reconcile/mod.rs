//! The controller: makes the cluster match the Architectures and writes their status.
//!
//! Owns every request to the API server and to pods. It never decides what is to run (`plan`,
//! `evolve`), what an object contains (`render`) or what works (`observe`).
//!
//! Absent on purpose: no finalizer (owner references and the garbage collector delete the objects
//! that we made), no read of each object before it is created (one list for a namespace finds the
//! names of others), and no write that changes nothing.
//!
//! Arrows go one way: `key, error <- metrics <- watch <- state, reports <- context, outcome <-
//! apply <- volumes, publish <- reconciler <- operator`.

mod apply;
mod context;
mod error;
mod key;
mod metrics;
mod operator;
mod outcome;
mod publish;
mod reconciler;
mod reports;
mod state;
mod volumes;
mod watch;

pub use operator::{LeaseName, Options, RunError, run};
