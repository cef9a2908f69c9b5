//! One probe of an edge.
//!
//! Each probe opens a new connection. So it shows that the name resolves, that the Service leads to
//! a pod and that the pod answers; an old pooled connection would not show the first two.

use super::target::EdgeTarget;
use crate::runtime::{CONNECT_OPTIONS, PING_PATH, add_recipient, host_header, misdirected_reason};
use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes, header};
use maquette_contract::{
    Address,
    keys::{COMMAND_RECIPIENT, ERROR_MISDIRECTED},
};
use maquette_http_client::{Connection, resolve};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// The longest time from the start of a probe to its answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The most bytes of an answer that are read.
const MAX_REASON_BYTES: usize = 4096;
/// The start of a store's answer to a command that it does not know.
const UNKNOWN_COMMAND: &str = "-ERR unknown command";

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
    #[error("{address} {reason}")]
    Misdirected { address: Address, reason: String },
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

/// Probes the component at `target`.
///
/// # Errors
/// If it does not answer within [`PROBE_TIMEOUT`], not as its protocol specifies, or as another
/// component.
pub(super) async fn probe_once(target: &EdgeTarget, protocol: Protocol) -> Result<(), ProbeError> {
    let answer = async {
        match protocol {
            Protocol::Http => probe_http(target).await,
            Protocol::Resp => probe_resp(target).await,
        }
    };
    match timeout(PROBE_TIMEOUT, answer).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ProbeError::TimedOut { address: target.address.clone() }),
    }
}

async fn connect(address: &Address) -> Result<TcpStream, ProbeError> {
    let connecting =
        async { TcpStream::connect(&resolve(&address.0, PROBE_TIMEOUT).await?[..]).await };
    connecting.await.map_err(|source| ProbeError::Connect { address: address.clone(), source })
}

async fn probe_http(target: &EdgeTarget) -> Result<(), ProbeError> {
    let address = &target.address;
    let mut connection = open_connection(address).await?;
    let mut request = Request::get(PING_PATH)
        .header(header::HOST, host_header(address))
        .header(header::CONNECTION, "close")
        .body(Full::<Bytes>::default())
        .map_err(|error| ProbeError::lost(address, &error))?;
    add_recipient(target.recipient.as_ref(), request.headers_mut());
    let response = connection
        .exchange(request, MAX_REASON_BYTES)
        .await
        .map_err(|error| ProbeError::lost(address, &error))?;
    match response.status() {
        StatusCode::MISDIRECTED_REQUEST => Err(misdirected(address, response.body())),
        status if status.is_success() => Ok(()),
        status => Err(ProbeError::UnexpectedStatus { address: address.clone(), status }),
    }
}

/// A new connection to the first address of the name that accepts one.
async fn open_connection(address: &Address) -> Result<Connection, ProbeError> {
    let failed = |source| ProbeError::Connect { address: address.clone(), source };
    let addresses = resolve(&address.0, PROBE_TIMEOUT).await.map_err(failed)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for remote in addresses {
        match Connection::open(remote, &CONNECT_OPTIONS).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn misdirected(address: &Address, reason: &[u8]) -> ProbeError {
    ProbeError::Misdirected { address: address.clone(), reason: misdirected_reason(reason) }
}

async fn probe_resp(target: &EdgeTarget) -> Result<(), ProbeError> {
    let address = &target.address;
    let stream = connect(address).await?;
    match exchange_ping(stream, target).await {
        Ok(answer) if answer == "+PONG" => Ok(()),
        Ok(answer) => match answer.strip_prefix('-').and_then(|it| it.split_once(' ')) {
            Some((ERROR_MISDIRECTED, reason)) => Err(misdirected(address, reason.as_bytes())),
            _ => Err(ProbeError::UnexpectedReply { address: address.clone(), answer }),
        },
        Err(error) => Err(ProbeError::lost(address, &error)),
    }
}

/// Names the recipient, if it is known, and pings. The line that decides: the answer to the ping,
/// or the refusal of the connection.
async fn exchange_ping(mut stream: TcpStream, target: &EdgeTarget) -> io::Result<String> {
    let named = target.recipient.as_ref().map(ToString::to_string);
    let naming = named.as_ref().map(|named| {
        let (name, length) = (COMMAND_RECIPIENT.len(), named.len());
        format!("*2\r\n${name}\r\n{COMMAND_RECIPIENT}\r\n${length}\r\n{named}\r\n")
    });
    let ping = "*1\r\n$4\r\nPING\r\n";
    stream.write_all((naming.unwrap_or_default() + ping).as_bytes()).await?;
    let mut lines = BufReader::new(stream.take(MAX_REASON_BYTES as u64)).lines();
    if named.is_some() {
        let answer = lines.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        // A store of an earlier version does not know the command, and answers the ping. If it does
        // not, the error is the only known reason.
        if answer.starts_with(UNKNOWN_COMMAND) {
            return Ok(lines.next_line().await.ok().flatten().unwrap_or(answer));
        }
        if answer.starts_with('-') {
            return Ok(answer);
        }
    }
    lines.next_line().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
