//! Fetches one pod's report over HTTP, with bounds of time and size.

use http::{Request, StatusCode};
use http_body_util::Full;
use maquette_contract::{Observations, ports::ADMIN};
use maquette_http_client::{ConnectionPool, PoolOptions, causes, read_body};
use std::{error::Error, net::IpAddr, time::Duration};

/// A pod that takes longer counts as unreachable.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// A larger report is an error.
const MAX_REPORT_BYTES: usize = 256 * 1024;
/// Long enough to reuse a connection in the next round. That of a pod that takes turns with others is
/// closed: it would be idle for most of the time. Shorter than the pods keep a connection, 60 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// Why there is no report. The text stays the same while the cause does.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no answer within {} ms", FETCH_TIMEOUT.as_millis())]
    TimedOut,
    #[error("{0}")]
    Failed(String),
}

/// Fetches reports over a pool of connections.
#[derive(Clone, Debug)]
pub(super) struct ReportFetcher(ConnectionPool);

impl ReportFetcher {
    pub(super) fn new() -> Self {
        let options = PoolOptions {
            // FETCH_TIMEOUT ends it first.
            connect_timeout: FETCH_TIMEOUT * 2,
            idle_timeout: IDLE_TIMEOUT,
            max_idle_per_host: 1,
            // FETCH_TIMEOUT ends a request first.
            tcp_user_timeout: None,
        };
        Self(options.build())
    }

    /// The report of the pod at `ip`.
    ///
    /// # Errors
    /// When it does not answer in time, or with something else.
    pub(super) async fn fetch_report(&self, ip: &str) -> Result<Observations, FetchError> {
        match tokio::time::timeout(FETCH_TIMEOUT, self.request_report(ip)).await {
            Ok(result) => result.map_err(FetchError::Failed),
            Err(_) => Err(FetchError::TimedOut),
        }
    }

    async fn request_report(&self, ip: &str) -> Result<Observations, String> {
        let host = match ip.parse() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            Ok(IpAddr::V4(ip)) => ip.to_string(),
            Err(_) => return Err(format!("{ip:?} is not an IP address")),
        };
        let request = Request::get(format!("http://{host}:{}/observations", ADMIN.number))
            .body(Full::default())
            .map_err(|error| error.to_string())?;
        let response = self.0.request(request).await.map_err(|error| root_cause(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("it answered {}", response.status()));
        }
        let body = read_body(response.into_body(), MAX_REPORT_BYTES)
            .await
            .map_err(|error| root_cause(&error))?;
        serde_json::from_slice(&body).map_err(|error| format!("its report is unreadable: {error}"))
    }
}

/// The root cause alone: the errors around it add only that a request failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    const REPORT: &str = "HTTP/1.1 500 no report\r\ncontent-length: 0\r\n\r\n";

    /// Answers each request of a connection, as far as each is read in one go.
    async fn answer_all(mut connection: TcpStream) {
        let mut buffer = [0; 4096];
        while connection.read(&mut buffer).await.is_ok_and(|length| length > 0) {
            connection.write_all(REPORT.as_bytes()).await.expect("written");
        }
    }

    #[tokio::test]
    async fn the_rounds_of_polls_of_a_pod_share_a_connection() {
        let [high, low, ..] = std::process::id().to_le_bytes();
        let ip = format!("127.19.{high}.{low}");
        let listener = TcpListener::bind((ip.as_str(), ADMIN.number)).await.expect("a port");
        let connections = Arc::<AtomicUsize>::default();
        let accepted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                accepted.fetch_add(1, SeqCst);
                tokio::spawn(answer_all(connection));
            }
        });
        let fetcher = ReportFetcher::new();
        for _ in 0..5 {
            let error = fetcher.fetch_report(&ip).await.expect_err("it has no report");
            assert!(error.to_string().contains("it answered 500"), "{error}");
        }
        assert_eq!(connections.load(SeqCst), 1);
    }
}
