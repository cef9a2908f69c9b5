//! Connection pools.

use crate::resolve::Resolver;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::time::Duration;

/// Pooled HTTP/1.1 connections; clones share them. When the last clone is dropped, idle
/// connections are closed; requests in flight go on.
pub type ConnectionPool = Client<HttpConnector<Resolver>, Full<Bytes>>;

/// The bounds of a connection pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// The longest time from the start of a connection until it is established.
    pub connect_timeout: Duration,
    /// A connection idle for longer is closed.
    pub idle_timeout: Duration,
    /// Idle connections kept to each host and port; more are closed.
    pub max_idle_per_host: usize,
    /// The longest time that sent data or a keep-alive probe may stay unacknowledged by the other
    /// end's kernel before the connection fails (`TCP_USER_TIMEOUT`); none for the kernel's
    /// default, which is minutes.
    pub tcp_user_timeout: Option<Duration>,
}

impl PoolOptions {
    /// An empty pool. [`Resolver`] finds a host's addresses for each new connection.
    pub fn build(&self) -> ConnectionPool {
        let mut connector = HttpConnector::new_with_resolver(Resolver::shared());
        connector.set_connect_timeout(Some(self.connect_timeout));
        connector.set_nodelay(true);
        if let Some(timeout) = self.tcp_user_timeout {
            connector.set_tcp_user_timeout(Some(timeout));
            // An idle connection is probed, so that the time-out holds for it as well.
            connector.set_keepalive(Some(timeout));
            connector.set_keepalive_interval(Some(timeout / 2));
        }
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .build(connector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{causes, read_body};
    use hyper::Request;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const OPTIONS: PoolOptions = PoolOptions {
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        max_idle_per_host: 1,
        tcp_user_timeout: Some(Duration::from_secs(5)),
    };

    fn get(address: std::net::SocketAddr) -> Request<Full<Bytes>> {
        Request::get(format!("http://{address}/")).body(Full::default()).unwrap()
    }

    #[tokio::test]
    async fn a_second_request_uses_the_same_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            // One connection only: another one would never be answered.
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            while stream.read(&mut request).await.unwrap() > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
            }
        });
        let pool = OPTIONS.build();
        for _ in 0..2 {
            let response = pool.request(get(address)).await.unwrap();
            assert_eq!(read_body(response.into_body(), 2).await.unwrap(), "hi");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_a_connect_error_with_its_root_cause() {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = OPTIONS.build().request(get(address)).await.unwrap_err();
        assert!(error.is_connect());
        assert!(causes(&error).last().unwrap().to_string().contains("refused"), "{error:?}");
    }
}
