//! The HTTP interface of a service or a peer: what end users and other components ask of it.
//!
//! Owns the paths, the parsing of what comes in, the limits on it, and the form of every answer:
//! [`maquette_contract::Answer`] as JSON or, for `Accept: text/plain`, as text. What the answer is,
//! the component's [`Application`] says. It never asks a store, a peer or another component itself.
//!
//! A component implements [`Application`] and calls [`serve()`] with its runtime, a listener and itself.
//! Peers implement [`Held`] too, for the components that take their items over, and call
//! [`serve_with_held`].

mod error;
mod internal_items;
mod metrics;
mod parse;
mod render;
mod request;
mod routes;
#[cfg(test)]
mod tests;

pub use error::HttpError;
pub use request::Request;

use crate::runtime::{RoleSettings, Runtime, serve};
use axum::Router;
use maquette_contract::{ItemKey, Record, RequestWork, Summary, internal_api::InternalPage};
use serde_json::Value;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Semaphore};

/// Requests with small bodies that are answered at once; more are turned away. While a store is away
/// every request waits, at most for 10 s: this is enough for 200 a second.
const MAX_IN_FLIGHT: usize = 2048;

/// What a component does with a request. Whatever it asks others for on the way it notes in the
/// [`Request`], so that the tree is true also if it fails or is cut off at the deadline.
pub trait Application: Send + Sync + 'static {
    /// What the component makes of its configuration.
    type Settings: RoleSettings;

    /// The work of a request besides calls and queries; done before the application is asked.
    fn simulated_work(settings: &Self::Settings) -> &RequestWork;

    /// Reads an item.
    fn get(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Record, HttpError>> + Send;

    /// Writes an item; what is returned is durable where it belongs.
    fn write_item(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
        value: Value,
    ) -> impl Future<Output = Result<Record, HttpError>> + Send;

    /// Gathers from all who keep information.
    fn gather_summary(
        &self,
        request: &Request<Self::Settings>,
    ) -> impl Future<Output = Result<Summary, HttpError>> + Send;
}

/// What a component holds itself, whoever answers users' requests by now; see
/// [`maquette_contract::held`]. It is neither users' traffic nor work.
pub trait LocalItems: Application {
    /// Reads an item.
    fn read_local(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, HttpError>> + Send;

    /// Keeps this version of an item unless a newer one is there; it is durable then.
    fn put_local_if_newer(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
        record: Record,
    ) -> impl Future<Output = Result<(), HttpError>> + Send;

    /// The items after the key `after`, or the first ones.
    fn list_local(
        &self,
        request: &Request<Self::Settings>,
        after: Option<&ItemKey>,
    ) -> impl Future<Output = Result<InternalPage, HttpError>> + Send;

    /// The summary of what is held.
    fn summarize_local(
        &self,
        request: &Request<Self::Settings>,
    ) -> impl Future<Output = Result<Summary, HttpError>> + Send;
}

/// The front of a component.
struct HttpServer<A: Application> {
    runtime: Arc<Runtime<A::Settings>>,
    application: A,
    metrics: metrics::HttpMetrics,
    /// For users' requests.
    permits: Semaphore,
    /// For what is held. Users' requests may wait for it, by way of other components: so they never take
    /// its places.
    internal_permits: Semaphore,
}

impl<A: Application> HttpServer<A> {
    fn new(runtime: Arc<Runtime<A::Settings>>, application: A, places: usize) -> Arc<Self> {
        let metrics = metrics::HttpMetrics::new(&runtime.metrics);
        let (places, places_held) = (Semaphore::new(places), Semaphore::new(places));
        Arc::new(Self {
            runtime,
            application,
            metrics,
            permits: places,
            internal_permits: places_held,
        })
    }
}

/// Serves requests until the process drains and those under way have ended. The pod's condition
/// `listening` is fulfilled from now on.
pub async fn serve<A: Application>(
    runtime: Arc<Runtime<A::Settings>>,
    listener: TcpListener,
    application: A,
) {
    serve_routes(runtime, listener, application, Router::new()).await;
}

/// Like [`serve()`], and answers what the component itself holds.
pub async fn serve_with_local_items<A: LocalItems>(
    runtime: Arc<Runtime<A::Settings>>,
    listener: TcpListener,
    application: A,
) {
    serve_routes(runtime, listener, application, internal_items::internal_routes()).await;
}

async fn serve_routes<A: Application>(
    runtime: Arc<Runtime<A::Settings>>,
    listener: TcpListener,
    application: A,
    others: Router<Arc<HttpServer<A>>>,
) {
    let listening =
        runtime.readiness.add_condition("listening", "the traffic port is not open yet");
    let (shutdown, settings) = (runtime.shutdown.clone(), runtime.config.subscribe());
    let front = HttpServer::new(runtime, application, MAX_IN_FLIGHT);
    // Whoever reads the log may ask at once whether it is ready.
    listening.mark_met();
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving requests");
    }
    serve::serve_http(listener, routes::user_router(front, others), &shutdown, settings).await;
}
