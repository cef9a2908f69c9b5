//! A service: answers requests by asking its own store and by calling other nodes.
//!
//! Owns the way of a request for an item to the owner of its kind ([`application`]), the queries to
//! its store ([`store`]), reading and writing an item there ([`item`]) and gathering a summary
//! ([`summary`]). The calls to other nodes are [`crate::call`]'s.
//!
//! Whether it is a thin client, a smart one or a service that owns information follows from its
//! configuration alone: with a store it queries, with calls it calls. It keeps nothing itself: a
//! service can be replaced at any time. It never asks anybody whom its configuration does not
//! name.

mod application;
mod item;
mod settings;
mod store;
mod summary;

use settings::ServiceSettings;

#[cfg(test)]
mod tests;

use crate::{
    RunError, front,
    runtime::{Process, Runtime, serve},
};
use application::Service;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Runs a service until it has drained.
///
/// # Errors
/// If a port cannot be had.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::start(process).await?;
    let listener = serve::bind(runtime.options.listen_ip, runtime.options.traffic_port).await?;
    serve_requests(runtime, listener).await;
    Ok(())
}

async fn serve_requests(runtime: Arc<Runtime<ServiceSettings>>, listener: TcpListener) {
    let service = Service { runtime: Arc::clone(&runtime) };
    front::serve(runtime, listener, service).await;
}
