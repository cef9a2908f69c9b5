//! The admin port: read-only, for the kubelet, for Prometheus and for the operator.

use super::{Runtime, Settings, serve, shutdown::Stage};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use maquette_contract::{Observations, metrics::CONTENT_TYPE};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Answers on the admin port until the process ends, also while it drains.
pub(super) fn start<S: Settings>(listener: TcpListener, runtime: &Arc<Runtime<S>>) {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready::<S>))
        .route("/metrics", get(metrics::<S>))
        .route("/observations", get(observations::<S>))
        .with_state(Arc::clone(runtime));
    // A stage of its own that never ends: the last scrape may come while the process drains.
    let never = super::Shutdown::new(super::shutdown::GRACE);
    tokio::spawn(async move { serve::serve(listener, router, &never, serve::unchanging()).await });
}

async fn ready<S: Settings>(State(runtime): State<Arc<Runtime<S>>>) -> impl IntoResponse {
    let mut missing = runtime.readiness.missing();
    if runtime.shutdown.stage() >= Stage::Leaving {
        missing.push("shutdown: the pod was asked to stop".to_owned());
    }
    if missing.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

async fn metrics<S: Settings>(State(runtime): State<Arc<Runtime<S>>>) -> impl IntoResponse {
    match runtime.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn observations<S: Settings>(State(runtime): State<Arc<Runtime<S>>>) -> Json<Observations> {
    Json(runtime.observe())
}
