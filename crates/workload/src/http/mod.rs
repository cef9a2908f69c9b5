//! The HTTP interface of a service or a peer, for end users and for other components.
//!
//! Owns the paths, the parsing of requests, the limits on them, and the form of every answer:
//! [`maquette_contract::Answer`] as JSON or, for `Accept: text/plain`, as text. The component's
//! [`Application`] gives the content of an answer. This module never calls a store, a peer or
//! another component itself.
//!
//! A component implements [`Application`] and calls [`serve()`] with its runtime, a listener and
//! itself. Peers also implement [`LocalItems`], for the components that migrate their items, and
//! call [`serve_with_local_items`].

mod application;
mod error;
mod internal_items;
mod limits;
mod metrics;
mod parse;
mod render;
mod request;
mod routes;
mod server;
#[cfg(test)]
mod tests;

pub use application::{Application, LocalItems};
pub use error::{HttpError, is_failure};
pub use parse::PageRequest;
pub(crate) use parse::precondition_header;
pub use request::Request;

use crate::runtime::{RoleSettings, Runtime, serve};
use axum::Router;
use server::HttpServer;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves requests until the process drains and those in flight have ended. The pod's condition
/// `listening` is met from now on.
pub async fn serve<S: RoleSettings, A: Application<S>>(
    runtime: Arc<Runtime<S>>,
    listener: TcpListener,
    application: A,
) {
    let server = HttpServer::new(Arc::clone(&runtime), application, limits::MAX_IN_FLIGHT);
    serve_router(&runtime, listener, routes::user_router(server)).await;
}

/// Like [`serve()`], and serves [`maquette_contract::internal_api`] on `internal`.
pub async fn serve_with_local_items<S: RoleSettings, A: LocalItems<S>>(
    runtime: Arc<Runtime<S>>,
    listener: TcpListener,
    internal: TcpListener,
    application: A,
) {
    let server = HttpServer::new(Arc::clone(&runtime), application, limits::MAX_IN_FLIGHT);
    let internal_router = internal_items::internal_router(Arc::clone(&server));
    let settings = runtime.config.subscribe();
    tokio::join!(
        serve::serve_http(internal, internal_router, &runtime.shutdown, settings),
        serve_router(&runtime, listener, routes::user_router(server)),
    );
}

async fn serve_router<S: RoleSettings>(
    runtime: &Runtime<S>,
    listener: TcpListener,
    router: Router,
) {
    let listening =
        runtime.readiness.add_condition("listening", "the traffic port is not open yet");
    // Before the log line: a reader of the log may check readiness at once.
    listening.mark_met();
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving requests");
    }
    serve::serve_http(listener, router, &runtime.shutdown, runtime.config.subscribe()).await;
}
