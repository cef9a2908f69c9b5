//! One HTTP/1.1 connection, driven by the request that uses it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use maquette_http_client::{BodyError, error_chain, read_body};
use rustix::io::Errno;
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};

/// The longest time until a connection is established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection without a request for longer is closed: before the server does, so that no request
/// is sent into a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection leads to the same pod for its whole life. New connections after this time spread
/// the load over pods that were added.
const MAX_AGE: Duration = Duration::from_secs(30);
/// The longest time that sent data may stay unacknowledged by the kernel of the other end: a pod
/// whose machine fails sends neither FIN nor RST.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest body of an answer, in bytes.
const MAX_BODY_BYTES: usize = 32 << 20;
/// The errors of `connect` and `socket` that are limits of this process or its pod.
const LOCAL_LIMITS: [Errno; 5] =
    [Errno::ADDRNOTAVAIL, Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];

/// An established connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Reads and writes; none once the connection is closed.
    driver: Option<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>,
    opened: Instant,
    last_used: Instant,
}

/// Why a connection has no answer.
#[derive(Debug)]
pub(super) enum ConnectionError {
    NotOpened(String),
    /// Not opened, because of a limit of this process or its pod.
    LocalLimit(String),
    /// It was established and failed before the answer was complete.
    Broken(String),
    /// The answer cannot be used.
    Unusable(String),
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) async fn open(address: &str) -> Result<Self, ConnectionError> {
        let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address));
        let stream = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(ConnectionError::from_connect)?;
        configure_socket(&stream).map_err(ConnectionError::from_connect)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectionError::Broken(error_chain(&error)))?;
        let now = Instant::now();
        Ok(Self { sender, driver: Some(driver), opened: now, last_used: now })
    }

    /// Sends a request and reads its whole answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ConnectionError> {
        let Self { sender, driver, .. } = self;
        let mut answer = pin!(receive_answer(sender, request));
        let answer = poll_fn(|context| {
            // The first look hands the request over, the second one takes what the driver read.
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            poll_driver(driver, context);
            answer.as_mut().poll(context)
        })
        .await;
        self.last_used = Instant::now();
        answer
    }

    /// Whether it is open, has no request and is not too old.
    pub(super) fn is_reusable(&mut self) -> bool {
        // Also reads the end of the stream, if the server has closed it.
        poll_driver(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready() && self.opened.elapsed() < MAX_AGE
    }

    /// Whether it was idle for too long.
    pub(super) fn has_expired(&self) -> bool {
        self.last_used.elapsed() >= IDLE_TIMEOUT
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// Lets the connection read and write as far as it can without waiting.
fn poll_driver(
    driver: &mut Option<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>,
    context: &mut Context<'_>,
) {
    if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
        *driver = None;
    }
}

async fn receive_answer(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), ConnectionError> {
    let broken = |error: hyper::Error| ConnectionError::Broken(error_chain(&error));
    sender.ready().await.map_err(broken)?;
    let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    match read_body(body, MAX_BODY_BYTES).await {
        Ok(body) => Ok((head.status, body)),
        Err(error @ BodyError::TooLarge { .. }) => {
            Err(ConnectionError::Unusable(error.to_string()))
        }
        Err(error @ BodyError::Connection(_)) => Err(ConnectionError::Broken(error_chain(&error))),
    }
}

fn configure_socket(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let millis = u32::try_from(UNACKNOWLEDGED_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
    Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, millis)?)
}

impl ConnectionError {
    fn from_connect(error: io::Error) -> Self {
        let limit = error.raw_os_error().map(Errno::from_raw_os_error);
        match limit.filter(|limit| LOCAL_LIMITS.contains(limit)) {
            Some(_) => Self::LocalLimit(error.to_string()),
            None => Self::NotOpened(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_this_process_are_no_failures_of_the_target() {
        for limit in LOCAL_LIMITS {
            let error = ConnectionError::from_connect(limit.into());
            assert!(matches!(error, ConnectionError::LocalLimit(_)), "{error:?}");
        }
        for failure in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT] {
            let error = ConnectionError::from_connect(failure.into());
            assert!(matches!(error, ConnectionError::NotOpened(_)), "{error:?}");
        }
    }
}
