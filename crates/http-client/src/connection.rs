//! One HTTP/1.1 connection.

use crate::{BodyError, error_chain, read_body};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

/// The bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// The longest time from the start of a connection until it is established.
    pub connect_timeout: Duration,
    /// The longest time that sent data or a keep-alive probe may stay unacknowledged by the other
    /// end's kernel before the connection fails (`TCP_USER_TIMEOUT`).
    pub tcp_user_timeout: Duration,
}

/// An established connection, for one request at a time. It closes when it is dropped, also while
/// a request is in flight.
#[derive(Debug)]
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    remote: SocketAddr,
    opened: Instant,
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The connection was closed before the request was sent: the other end has not seen it.
    #[error("{0}")]
    NotSent(String),
    /// The connection failed after a part of the request was sent: its outcome is unknown.
    #[error("{0}")]
    Interrupted(String),
    /// The response has more bytes than the caller accepts.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl Connection {
    /// Connects to an address.
    ///
    /// # Errors
    /// If the other end refuses, or does not accept within the time-out.
    pub async fn open(remote: SocketAddr, options: &ConnectOptions) -> io::Result<Self> {
        let stream = timeout(options.connect_timeout, TcpStream::connect(remote))
            .await
            .map_err(|_| timed_out(options.connect_timeout))??;
        set_socket_options(&stream, options.tcp_user_timeout);
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(async move {
            // An error that ends the connection also ends its request, which reports it.
            let _ = connection.await;
        });
        Ok(Self { sender, remote, opened: Instant::now() })
    }

    /// The address of the other end.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The time since the connection was established.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Whether the other end has closed it.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request, with a path as its URI and a `Host` header, and reads the whole response.
    ///
    /// # Errors
    /// If the connection fails first, or if the body has more than `max_bytes` bytes.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, ExchangeError> {
        debug_assert!(request.headers().contains_key(header::HOST), "HTTP/1.1 needs a Host");
        self.sender.ready().await.map_err(|error| ExchangeError::NotSent(error_chain(&error)))?;
        let response = match self.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut failure) => {
                let is_unsent = failure.take_message().is_some();
                let reason = error_chain(failure.error());
                return Err(match is_unsent {
                    true => ExchangeError::NotSent(reason),
                    false => ExchangeError::Interrupted(reason),
                });
            }
        };
        let (head, body) = response.into_parts();
        match read_body(body, max_bytes).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err(BodyError::TooLarge { max_bytes }) => Err(ExchangeError::TooLarge(max_bytes)),
            Err(error) => Err(ExchangeError::Interrupted(error_chain(&error))),
        }
    }
}

/// The error of a connection attempt without an answer.
fn timed_out(after: Duration) -> io::Error {
    let message = format!("no connection within {} ms", after.as_millis());
    io::Error::new(io::ErrorKind::TimedOut, message)
}

/// Without these options the connection works, but a broken one is noticed later.
fn set_socket_options(stream: &TcpStream, user_timeout: Duration) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_user_timeout(Some(user_timeout));
    // An idle connection is probed, so that the time-out holds for it as well.
    let probes = TcpKeepalive::new().with_time(user_timeout).with_interval(user_timeout / 2);
    let _ = socket.set_tcp_keepalive(&probes);
}
