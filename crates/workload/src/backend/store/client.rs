//! The connection to a store: one, shared by all requests, replaced when it fails.

use crate::runtime::{Edge, EdgeTarget, Protocol, misdirected_reason};
use maquette_contract::{
    Address, Recipient,
    keys::{COMMAND_RECIPIENT, ERROR_MISDIRECTED},
};
use maquette_http_client::resolve;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, RedisError,
    RedisResult, RetryMethod, ServerErrorKind, aio::MultiplexedConnection, cmd,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// The longest time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time for one reply: several times what a slow disk needs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The start of the detail of the error `ERR` for a command that the store does not know.
const DETAIL_UNKNOWN_COMMAND: &str = "unknown command";

/// Why one attempt of a query failed.
#[derive(Clone, Debug)]
pub(super) enum AttemptError {
    /// No connection to the store, or one to another: the store has not seen the query.
    NotSent(String),
    /// No reply: the store may have seen the query.
    OutcomeUnknown(String),
    /// The store refuses the query, or its reply has another form: a retry does not help.
    Rejected(String),
}

/// A store: its edge and the connection to it, which closes when this is dropped.
pub(crate) struct StoreClient {
    edge: Arc<Edge>,
    /// The connection and its number: a request that finds it broken drops it, but never a newer
    /// one.
    connection: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreClient").field("edge", &self.edge).finish_non_exhaustive()
    }
}

impl StoreClient {
    /// The store at `target`; its probes start now.
    pub(crate) fn new(target: EdgeTarget) -> Arc<Self> {
        let edge = Edge::new(target, Protocol::Resp);
        Arc::new(Self { edge, connection: Mutex::default() })
    }

    /// The edge to the store.
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Runs a query once, without retries.
    pub(super) async fn query_once<T: FromRedisValue>(
        &self,
        query: &Cmd,
    ) -> Result<T, AttemptError> {
        let (number, mut connection) =
            self.current_connection().await.map_err(AttemptError::NotSent)?;
        let outcome = query.query_async(&mut connection).await;
        match outcome {
            Ok(reply) => Ok(reply),
            Err(error) => {
                let failure = classify_error(&error);
                if let AttemptError::OutcomeUnknown(_) = failure {
                    self.drop_connection(number).await;
                }
                Err(failure)
            }
        }
    }

    /// Errors are messages: whatever failed, the store has not seen the query.
    async fn current_connection(&self) -> Result<(u64, MultiplexedConnection), String> {
        // Locked while connecting: requests that wait here share the new connection.
        let mut current = self.connection.lock().await;
        if let (number, Some(connection)) = &*current {
            return Ok((*number, connection.clone()));
        }
        let connecting = open_connection(self.edge.address()).await;
        let mut connection = connecting.map_err(|error| error.to_string())?;
        if let Some(recipient) = &self.edge.target().recipient {
            name_recipient(&mut connection, recipient).await?;
        }
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

/// Connects to the first address of the host that accepts.
async fn open_connection(address: &Address) -> RedisResult<MultiplexedConnection> {
    let addresses = resolve(&address.0, CONNECT_TIMEOUT).await?;
    let mut failure = RedisError::from((ErrorKind::Io, "the name has no address"));
    for found in addresses {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let client = Client::open(ConnectionAddr::Tcp(found.ip().to_string(), found.port()))?;
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Names the recipient on a new connection, before any query: a store that it is not meant for
/// refuses it.
async fn name_recipient(
    connection: &mut MultiplexedConnection,
    recipient: &Recipient,
) -> Result<(), String> {
    let command = cmd(COMMAND_RECIPIENT).arg(recipient.to_string()).take();
    let reply: RedisResult<()> = command.query_async(connection).await;
    match reply {
        Ok(()) => Ok(()),
        // A store of an earlier version. Another error, as of a full store, ends the connection.
        Err(error) if is_unknown_command(&error) => Ok(()),
        Err(error) if error.code() == Some(ERROR_MISDIRECTED) => {
            Err(misdirected_reason(error.detail().unwrap_or_default().as_bytes()))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn is_unknown_command(error: &RedisError) -> bool {
    let detail = error.detail().unwrap_or_default();
    error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
        && detail.starts_with(DETAIL_UNKNOWN_COMMAND)
}

fn classify_error(error: &RedisError) -> AttemptError {
    let reason = error.to_string();
    match (error.kind(), error.retry_method()) {
        (ErrorKind::Io | ErrorKind::Parse, _) => AttemptError::OutcomeUnknown(reason),
        // The store reports that it is still loading, or busy.
        (ErrorKind::Server(_), RetryMethod::WaitAndRetry | RetryMethod::RetryImmediately) => {
            AttemptError::NotSent(reason)
        }
        _ => AttemptError::Rejected(reason),
    }
}
