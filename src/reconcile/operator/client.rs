//! The client of the API server: it has a user agent, counts requests and never retries. The
//! reconciler decides when to try again.

use super::{super::metrics::Metrics, call_timeout::CallTimeout};
use http::{HeaderValue, Request, Response, header::USER_AGENT};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Service, layer::layer_fn};

const OPERATOR_USER_AGENT: &str = concat!("maquette-operator/", env!("CARGO_PKG_VERSION"));

/// A connection that is silent for longer while a request waits, or is unused for longer, is closed.
pub(super) const REQUEST_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than a watch without events lasts: a connection that is silent for longer is broken.
pub(super) const WATCH_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// # Errors
/// When `config` has no valid address or credentials.
pub(super) fn build_client(
    mut config: Config,
    read_timeout: Duration,
    metrics: Arc<Metrics>,
) -> Result<Client, kube::Error> {
    config.headers.push((USER_AGENT, HeaderValue::from_static(OPERATOR_USER_AGENT)));
    // The client's own retries take minutes and are not logged, while the reconcile waits.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(read_timeout);
    config.reset_reader_on_write = true;
    let count_requests = layer_fn(|inner| RequestCounter { inner, metrics: Arc::clone(&metrics) });
    let bound_requests = layer_fn(CallTimeout);
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&count_requests)
        .with_layer(&bound_requests)
        .build())
}

/// Counts requests by method and status code.
#[derive(Clone)]
struct RequestCounter<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S, B> Service<Request<Body>> for RequestCounter<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.method().clone();
        let metrics = Arc::clone(&self.metrics);
        let response = self.inner.call(request);
        Box::pin(async move {
            let result = response.await;
            let code = result.as_ref().map(|response| response.status().as_u16().to_string());
            metrics.record_request(method.as_str(), code.unwrap_or_else(|_| "<error>".to_owned()));
            result
        })
    }
}
