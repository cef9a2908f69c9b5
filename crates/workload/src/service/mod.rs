//! A service: answers requests from its own store and by calling other components.
//!
//! Owns the route of a request to the owner of its collection ([`application`]) and the sum of a
//! summary's parts ([`summary`]). Calls are made by [`crate::forward`], queries to the store by
//! [`crate::backend`], and items are migrated by [`crate::migration`].
//!
//! Its configuration alone makes it a thin client, a smart client or an owner of collections: with
//! a store it queries, with calls it calls. It keeps no items, so that a service can be replaced at
//! any time, and never calls a component that its configuration does not name.

mod application;
mod settings;
mod summary;

use settings::ServiceSettings;

#[cfg(test)]
mod tests;

use crate::{
    http, migration,
    runtime::{Process, RunError, Runtime, serve},
};
use application::Service;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Runs a service until it has drained.
///
/// # Errors
/// If a port cannot be opened.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::start(process).await?;
    let listener = serve::bind(runtime.options.listen_ip, runtime.options.traffic_port).await?;
    serve_requests(runtime, listener).await;
    Ok(())
}

async fn serve_requests(runtime: Arc<Runtime<ServiceSettings>>, listener: TcpListener) {
    let service = Service { runtime: Arc::clone(&runtime) };
    // Both return when the process drains.
    tokio::join!(
        http::serve(Arc::clone(&runtime), listener, service),
        migration::run_backfills(&runtime, ServiceSettings::backfill_job),
    );
}
