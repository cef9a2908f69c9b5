//! Reads one pod's report over HTTP: bounded in time and size.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use maquette_contract::{Observations, ports::ADMIN};
use std::{net::IpAddr, time::Duration};

/// A pod that takes longer has not answered.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// A report is no larger.
const MAX_REPORT_BYTES: usize = 256 * 1024;
/// Connections are kept for the next round of an Architecture that changes, not for longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads reports.
#[derive(Clone, Debug)]
pub(in crate::reconcile) struct ReportFetcher(Client<HttpConnector, Empty<Bytes>>);

impl ReportFetcher {
    pub(in crate::reconcile) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(FETCH_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(1)
            .build(connector);
        Self(client)
    }

    /// The report of the pod at `ip`, or why there is none, in one line that stays the same while
    /// the cause does.
    pub(in crate::reconcile) async fn fetch_report(
        &self,
        ip: &str,
    ) -> Result<Observations, String> {
        match tokio::time::timeout(FETCH_TIMEOUT, self.request_report(ip)).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} ms", FETCH_TIMEOUT.as_millis())),
        }
    }

    async fn request_report(&self, ip: &str) -> Result<Observations, String> {
        let host = match ip.parse() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            Ok(IpAddr::V4(ip)) => ip.to_string(),
            Err(_) => return Err(format!("{ip:?} is no address")),
        };
        let request = Request::get(format!("http://{host}:{}/observations", ADMIN.number));
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let answer = self.0.request(request).await.map_err(|error| root_cause(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_REPORT_BYTES).collect().await;
        let body = body.map_err(|error| root_cause(&*error))?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| format!("its report is unreadable: {error}"))
    }
}

/// The cause at the root of an error: the rest says only that a request failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
