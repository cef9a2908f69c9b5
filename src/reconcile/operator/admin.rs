//! What the operator serves over HTTP: `/livez`, `/readyz` and `/metrics`.

use super::super::{metrics::Metrics, watch::Health};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use maquette_contract::metrics::CONTENT_TYPE;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until the listener fails.
pub(super) async fn serve(listener: TcpListener, health: Arc<Health>, metrics: Arc<Metrics>) {
    let app = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(health)
        .merge(Router::new().route("/metrics", get(serve_metrics)).with_state(metrics));
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "probes and metrics are no longer served");
    }
}

async fn livez(State(health): State<Arc<Health>>) -> impl IntoResponse {
    match health.stuck_tasks().as_slice() {
        [] => (StatusCode::OK, "ok\n".to_owned()),
        stuck => {
            let message = format!("no progress for more than 300 s: {}\n", stuck.join(", "));
            (StatusCode::INTERNAL_SERVER_ERROR, message)
        }
    }
}

async fn readyz(State(health): State<Arc<Health>>) -> impl IntoResponse {
    match health.is_ready() {
        true => (StatusCode::OK, "ok\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the first lists of the watched objects are not complete\n",
        ),
    }
}

async fn serve_metrics(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.encode_text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
