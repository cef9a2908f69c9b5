//! The operator as a process: its client, leader election, watch scopes, probes and metrics.
//!
//! Wires the parts together and never reconciles an Architecture itself.

mod admin;
mod call_timeout;
mod client;
mod controller;
mod lease;
mod run;
mod scope;

pub use lease::LeaseName;
pub use run::{Options, RunError, run};
