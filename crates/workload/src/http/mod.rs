//! The HTTP interface of a service or a peer: what end users and other components ask of it.
//!
//! Owns the paths, the parsing of what comes in, the limits on it, and the form of every answer:
//! [`maquette_contract::Answer`] as JSON or, for `Accept: text/plain`, as text. What the answer is,
//! the component's [`Application`] says. It never asks a store, a peer or another component itself.
//!
//! A component implements [`Application`] and calls [`serve()`] with its runtime, a listener and itself.
//! Peers implement [`Held`] too, for the components that take their items over, and call
//! [`serve_with_held`].

mod ask;
mod failure;
mod held;
mod metrics;
mod render;
mod request;
mod routes;
#[cfg(test)]
mod tests;

pub use failure::Failure;
pub use request::Request;

use crate::runtime::{Runtime, Settings, serve};
use axum::Router;
use maquette_contract::{ItemKey, Record, Summary, RequestWork, internal_api::InternalPage};
use serde_json::Value;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Semaphore};

/// Requests with small bodies that are answered at once; more are turned away. While a store is away
/// every request waits, at most for 10 s: this is enough for 200 a second.
const MAX_UNDER_WAY: usize = 2048;

/// What a component does with a request. Whatever it asks others for on the way it notes in the
/// [`Request`], so that the tree is true also if it fails or is cut off at the deadline.
pub trait Application: Send + Sync + 'static {
    /// What the component makes of its configuration.
    type Settings: Settings;

    /// The work of a request besides calls and queries; done before the application is asked.
    fn work(settings: &Self::Settings) -> &RequestWork;

    /// Reads an item.
    fn get(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Record, Failure>> + Send;

    /// Writes an item; what is returned is durable where it belongs.
    fn put(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
        value: Value,
    ) -> impl Future<Output = Result<Record, Failure>> + Send;

    /// Gathers from all who keep information.
    fn summary(
        &self,
        request: &Request<Self::Settings>,
    ) -> impl Future<Output = Result<Summary, Failure>> + Send;
}

/// What a component holds itself, whoever answers users' requests by now; see
/// [`maquette_contract::held`]. It is neither users' traffic nor work.
pub trait Held: Application {
    /// Reads an item.
    fn held(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, Failure>> + Send;

    /// Keeps this version of an item unless a newer one is there; it is durable then.
    fn keep(
        &self,
        request: &Request<Self::Settings>,
        key: &ItemKey,
        record: Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The items after the key `after`, or the first ones.
    fn list(
        &self,
        request: &Request<Self::Settings>,
        after: Option<&ItemKey>,
    ) -> impl Future<Output = Result<InternalPage, Failure>> + Send;

    /// The summary of what is held.
    fn held_summary(
        &self,
        request: &Request<Self::Settings>,
    ) -> impl Future<Output = Result<Summary, Failure>> + Send;
}

/// The front of a component.
struct Front<A: Application> {
    runtime: Arc<Runtime<A::Settings>>,
    application: A,
    metrics: metrics::Metrics,
    /// For users' requests.
    places: Semaphore,
    /// For what is held. Users' requests may wait for it, by way of other components: so they never take
    /// its places.
    places_held: Semaphore,
}

impl<A: Application> Front<A> {
    fn new(runtime: Arc<Runtime<A::Settings>>, application: A, places: usize) -> Arc<Self> {
        let metrics = metrics::Metrics::new(&runtime.metrics);
        let (places, places_held) = (Semaphore::new(places), Semaphore::new(places));
        Arc::new(Self { runtime, application, metrics, places, places_held })
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
pub async fn serve_with_held<A: Held>(
    runtime: Arc<Runtime<A::Settings>>,
    listener: TcpListener,
    application: A,
) {
    serve_routes(runtime, listener, application, held::routes()).await;
}

async fn serve_routes<A: Application>(
    runtime: Arc<Runtime<A::Settings>>,
    listener: TcpListener,
    application: A,
    others: Router<Arc<Front<A>>>,
) {
    let listening = runtime.readiness.condition("listening", "the traffic port is not open yet");
    let (shutdown, settings) = (runtime.shutdown.clone(), runtime.config.follow());
    let front = Front::new(runtime, application, MAX_UNDER_WAY);
    // Whoever reads the log may ask at once whether it is ready.
    listening.fulfil();
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving requests");
    }
    serve::serve(listener, routes::router(front, others), &shutdown, settings).await;
}
