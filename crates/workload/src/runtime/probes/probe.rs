//! One probe of an edge.
//!
//! Each probe opens a new connection. So it shows that the name resolves, that the Service leads to
//! a pod and that the pod answers; an old pooled connection would not show the first two.

use http_body_util::Empty;
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use maquette_contract::Address;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The longest time from the start of a probe to its answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The path that a traffic port answers without any work.
const PING_PATH: &str = "/ping";

/// The protocol of the component at the other end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 on a traffic port; probed by `GET /ping`.
    Http,
    /// RESP2 on a store's port; probed by `PING`.
    Resp,
}

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
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

impl ProbeError {
    fn lost(address: &Address, error: &impl ToString) -> Self {
        Self::ConnectionLost { address: address.clone(), reason: error.to_string() }
    }
}

/// Probes the component at `address`.
///
/// # Errors
/// If it does not answer within [`PROBE_TIMEOUT`], or not as its protocol specifies.
pub(super) async fn probe_once(address: &Address, protocol: Protocol) -> Result<(), ProbeError> {
    let answer = async {
        match protocol {
            Protocol::Http => probe_http(address).await,
            Protocol::Resp => probe_resp(address).await,
        }
    };
    match timeout(PROBE_TIMEOUT, answer).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ProbeError::TimedOut { address: address.clone() }),
    }
}

async fn connect(address: &Address) -> Result<TcpStream, ProbeError> {
    TcpStream::connect(&address.0)
        .await
        .map_err(|source| ProbeError::Connect { address: address.clone(), source })
}

async fn probe_http(address: &Address) -> Result<(), ProbeError> {
    let stream = TokioIo::new(connect(address).await?);
    let (mut sender, connection) =
        http1::handshake(stream).await.map_err(|error| ProbeError::lost(address, &error))?;
    let request = Request::get(PING_PATH)
        .header(header::HOST, &address.0)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ProbeError::lost(address, &error))?;
    let response = async {
        sender.send_request(request).await.map_err(|error| ProbeError::lost(address, &error))
    };
    let connection = async {
        // An error that ends the connection also ends the request, which reports it.
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
    let mut stream = connect(address).await?;
    let mut answer = [0_u8; 7];
    let exchange = async {
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").await?;
        stream.read_exact(&mut answer).await
    };
    exchange.await.map_err(|error| ProbeError::lost(address, &error))?;
    if answer == *b"+PONG\r\n" {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Err(ProbeError::UnexpectedReply { address: address.clone(), answer })
}
