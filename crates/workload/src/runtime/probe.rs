//! Probes a declared edge, load or no load.
//!
//! Each probe opens a connection of its own: it shows that the name resolves, that the Service
//! leads to a pod and that the pod answers, which an old pooled connection would not.

use super::{Edge, edge::Protocol};
use http_body_util::Empty;
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use maquette_contract::{Address, Probe};
use std::{io, sync::Weak, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// From the end of a probe to the next one: between these, in milliseconds, so that the pods of a
/// component do not probe in step.
const PAUSE_MILLIS: std::ops::Range<u64> = 1_500..2_500;
/// The path that a traffic port answers before any work.
const PING_PATH: &str = "/ping";

#[derive(Debug, thiserror::Error)]
enum ProbeError {
    #[error("{address} did not answer within {} s", PROBE_TIMEOUT.as_secs())]
    TimedOut { address: Address },
    #[error("cannot connect to {address}: {source}")]
    Connect { address: Address, source: io::Error },
    #[error("{address} ended the connection: {reason}")]
    ConnectionLost { address: Address, reason: String },
    #[error("{address} answered {PING_PATH} with {status}")]
    UnexpectedStatus { address: Address, status: StatusCode },
    #[error("{address} answered PING with {answer:?}")]
    UnexpectedReply { address: Address, answer: String },
}

/// Probes the edge until nobody holds it any more.
pub(super) async fn run_probes(edge: Weak<Edge>) {
    while let Some(held) = edge.upgrade() {
        let (address, protocol) = (held.address().clone(), held.protocol());
        // Not held while waiting: an edge that is gone is not kept by its probe.
        drop(held);
        let outcome = match probe_once(&address, protocol).await {
            Ok(()) => Probe::Works,
            Err(error) => Probe::Fails { message: error.to_string() },
        };
        let Some(held) = edge.upgrade() else { return };
        held.record_probe(outcome);
        drop(held);
        sleep(Duration::from_millis(rand::random_range(PAUSE_MILLIS))).await;
    }
}

async fn probe_once(address: &Address, protocol: Protocol) -> Result<(), ProbeError> {
    let answer = async {
        match protocol {
            Protocol::Http => probe_http(address).await,
            Protocol::Resp => probe_resp(address).await,
        }
    };
    let silent = |_| ProbeError::TimedOut { address: address.clone() };
    timeout(PROBE_TIMEOUT, answer).await.map_err(silent)?
}

async fn connect(address: &Address) -> Result<TcpStream, ProbeError> {
    let failed = |source| ProbeError::Connect { address: address.clone(), source };
    TcpStream::connect(&address.0).await.map_err(failed)
}

async fn probe_http(address: &Address) -> Result<(), ProbeError> {
    let broken = |error: hyper::Error| ProbeError::ConnectionLost {
        address: address.clone(),
        reason: error.to_string(),
    };
    let stream = TokioIo::new(connect(address).await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
    let request = Request::get(PING_PATH)
        .header(header::HOST, &address.0)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ProbeError::ConnectionLost {
            address: address.clone(),
            reason: error.to_string(),
        })?;
    let response = async { sender.send_request(request).await.map_err(broken) };
    let connection = async {
        // What ends the connection before an answer ends the request too, and is told there.
        let _ = connection.await;
        std::future::pending().await
    };
    let status = tokio::select! {
        response = response => response?.status(),
        never = connection => never,
    };
    if status.is_success() {
        Ok(())
    } else {
        Err(ProbeError::UnexpectedStatus { address: address.clone(), status })
    }
}

async fn probe_resp(address: &Address) -> Result<(), ProbeError> {
    let broken = |error: io::Error| ProbeError::ConnectionLost {
        address: address.clone(),
        reason: error.to_string(),
    };
    let mut stream = connect(address).await?;
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").await.map_err(broken)?;
    let mut answer = [0_u8; 7];
    stream.read_exact(&mut answer).await.map_err(broken)?;
    if answer == *b"+PONG\r\n" {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Err(ProbeError::UnexpectedReply { address: address.clone(), answer })
}
