//! The workload of Maquette's models: service, store, peer and load in one binary.
//!
//! - [`runtime`] is what every role shares: flags, configuration and its reload, readiness,
//!   graceful stop, the admin port, metrics, probes, the HTTP client.
//! - [`front`] is the HTTP interface that end users and other components see of a service or a peer.
//! - `call` passes requests on to other components.
//! - `home` asks stores and peers for items over the network, and `origin` takes items over from
//!   where they were before.
//! - [`storage`] keeps items on disk, for stores and peers.
//! - one folder for each role. A role is a function `run(process)` and a type that implements
//!   [`runtime::Settings`]; see [`runtime`] for how they fit.
//!
//! It knows nothing of Kubernetes: its whole world is one JSON file, its pod's name and the
//! addresses that the file gives.

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

pub use run::{RunError, run};
pub use runtime::Options;
