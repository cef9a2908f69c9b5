//! The admin port, read-only: probes of the kubelet, scrapes of Prometheus, reports for the
//! operator.

use super::{RoleSettings, Runtime, serve, shutdown::ShutdownStage};
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

/// Serves the admin port until the process ends, also while it drains.
pub(super) fn start_admin_server<S: RoleSettings>(
    listener: TcpListener,
    runtime: &Arc<Runtime<S>>,
) {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(serve_readiness::<S>))
        .route("/metrics", get(serve_metrics::<S>))
        .route("/observations", get(serve_observations::<S>))
        .route("/histograms", get(serve_histograms::<S>))
        .with_state(Arc::clone(runtime));
    // Not the shutdown of the process: Prometheus can scrape while the process drains.
    let never = super::Shutdown::new(super::shutdown::GRACE_PERIOD);
    tokio::spawn(async move {
        serve::serve_http(listener, router, &never, serve::constant_settings()).await
    });
}

async fn serve_readiness<S: RoleSettings>(
    State(runtime): State<Arc<Runtime<S>>>,
) -> impl IntoResponse {
    let mut missing = runtime.readiness.unmet_conditions();
    if runtime.shutdown.stage() >= ShutdownStage::LameDuck {
        missing.push("shutdown: a stop was requested".to_owned());
    }
    if missing.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

async fn serve_metrics<S: RoleSettings>(
    State(runtime): State<Arc<Runtime<S>>>,
) -> impl IntoResponse {
    match runtime.metrics_text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn serve_observations<S: RoleSettings>(
    State(runtime): State<Arc<Runtime<S>>>,
) -> Json<Observations> {
    Json(runtime.observations())
}

async fn serve_histograms<S: RoleSettings>(
    State(runtime): State<Arc<Runtime<S>>>,
) -> Result<String, StatusCode> {
    runtime.histogram_log().ok_or(StatusCode::NOT_FOUND)
}
