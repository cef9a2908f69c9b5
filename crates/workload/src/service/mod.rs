//! A service: answers requests by asking its own store and by calling other components.
//!
//! Owns the way of a request for an item to the owner of its collection ([`application`]) and gathering a
//! summary ([`summary`]). The calls to other components are [`crate::call`]'s, the queries to its store
//! [`crate::home`]'s, taking items over from an old home is [`crate::origin`]'s.
//!
//! Whether it is a thin client, a smart one or a service that owns information follows from its
//! configuration alone: with a store it queries, with calls it calls. It keeps nothing itself: a
//! service can be replaced at any time. It never asks anybody whom its configuration does not
//! name.

mod application;
mod settings;
mod summary;

use settings::ServiceSettings;

#[cfg(test)]
mod tests;

use crate::{
    RunError, http, migration,
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
    // Both end when the process drains.
    tokio::join!(
        http::serve(Arc::clone(&runtime), listener, service),
        migration::run_backfills(&runtime, ServiceSettings::backfill_job),
    );
}
