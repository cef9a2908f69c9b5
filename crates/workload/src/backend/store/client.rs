//! One connection to a store, shared by all requests, made anew when it fails.

use crate::runtime::{Edge, Protocol};
use maquette_contract::{Address, ComponentName};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, RedisError,
    RedisResult, RetryMethod, aio::MultiplexedConnection,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the store may take for one answer: several times what a slow disk needs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How an attempt to query failed.
#[derive(Clone, Debug)]
pub(super) enum AttemptError {
    /// There was no connection: the store has not seen the query.
    NotSent(String),
    /// No answer came: the store may have seen the query or not.
    OutcomeUnknown(String),
    /// The store refuses it, or answers what makes no sense: asking again would not help.
    Rejected(String),
}

/// A store: its edge and the connection to it. Dropping it closes that.
pub(crate) struct StoreClient {
    edge: Arc<Edge>,
    /// The connection and its number: whoever finds it broken drops it unless it is a newer one.
    connection: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreClient").field("edge", &self.edge).finish_non_exhaustive()
    }
}

impl StoreClient {
    /// The store at `address`, the component `to`; its probes begin now.
    pub(crate) fn new(to: ComponentName, address: Address) -> Arc<Self> {
        let edge = Edge::new(to, address, Protocol::Resp);
        Arc::new(Self { edge, connection: Mutex::default() })
    }

    /// The edge to the store.
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Makes a query, once.
    pub(super) async fn query_once<T: FromRedisValue>(
        &self,
        query: &Cmd,
    ) -> Result<T, AttemptError> {
        let (number, mut connection) = self
            .current_connection()
            .await
            .map_err(|error| AttemptError::NotSent(error.to_string()))?;
        let outcome = query.query_async(&mut connection).await;
        let failed = outcome.as_ref().err().map(classify_error);
        if let Some(AttemptError::OutcomeUnknown(_)) = failed {
            self.drop_connection(number).await;
        }
        outcome.map_err(|error| failed.unwrap_or_else(|| AttemptError::Rejected(error.to_string())))
    }

    async fn current_connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        // Held while connecting: those who wait use the connection that comes about.
        let mut current = self.connection.lock().await;
        if let (number, Some(connection)) = &*current {
            return Ok((*number, connection.clone()));
        }
        let connection = open_connection(self.edge.address()).await?;
        *current = (current.0 + 1, Some(connection.clone()));
        Ok((current.0, connection))
    }

    async fn drop_connection(&self, number: u64) {
        let mut current = self.connection.lock().await;
        if current.0 == number {
            current.1 = None;
        }
    }
}

/// Connects; the name is resolved anew each time.
async fn open_connection(address: &Address) -> RedisResult<MultiplexedConnection> {
    let (host, port) = address.0.rsplit_once(':').unwrap_or((&address.0, ""));
    let port = port.parse().map_err(|_| {
        RedisError::from((ErrorKind::InvalidClientConfig, "the address has no port", port.into()))
    })?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT));
    let client = Client::open(ConnectionAddr::Tcp(host, port))?;
    client.get_multiplexed_async_connection_with_config(&config).await
}

fn classify_error(error: &RedisError) -> AttemptError {
    let reason = error.to_string();
    match (error.kind(), error.retry_method()) {
        (ErrorKind::Io | ErrorKind::Parse, _) => AttemptError::OutcomeUnknown(reason),
        // The store says itself that it is not ready yet, or busy.
        (ErrorKind::Server(_), RetryMethod::WaitAndRetry | RetryMethod::RetryImmediately) => {
            AttemptError::NotSent(reason)
        }
        _ => AttemptError::Rejected(reason),
    }
}
