//! The workload of Maquette's models: service, store, peer and load in one binary.
//!
//! - [`runtime`] is shared by all roles: flags, configuration and its reload, readiness, graceful
//!   stop, the admin port, metrics, probes, the HTTP client.
//! - [`storage`] keeps items on disk, for stores and peers.
//! - `backend` is the client of stores and peers, and `migration` moves items between them.
//! - [`http`] is the HTTP interface of a service or a peer, for end users and other components.
//! - `forward` passes requests on to other components.
//! - [`service`], [`store`], [`peer`] and [`load`] are the roles. A role is a function
//!   `run(process)` and a type that implements [`runtime::RoleSettings`]; see [`runtime`].
//!
//! Each may use only those before it; `tests/layering.rs` checks this. The crate never uses
//! Kubernetes: its input is one JSON file, the pod's name and the addresses in that file.

mod backend;
mod forward;
pub mod http;
pub mod load;
mod migration;
pub mod peer;
mod run;
pub mod runtime;
pub mod service;
pub mod storage;
pub mod store;

pub use run::run;
