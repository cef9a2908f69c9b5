//! New connections of a pool: to which address, and whether they lead to a pod that is wanted.

use super::{PooledConnection, TargetPool, lock};
use crate::{Backoff, Connection, outlier::PodName, resolve::resolve};
use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// The longest time for the ping of a new connection, while some pod is left out.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// New connections to a Service until one leads to a pod that is not left out.
const MAX_CONNECTIONS_TO_FIND_A_POD: usize = 4;
/// The pauses between two rounds over all addresses of which none works.
const ROUND_BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(250));
/// The most bytes of the answer to a ping.
const MAX_PING_BYTES: usize = 4096;

impl TargetPool {
    /// Connects to the next address that works. While a pod is left out or hangs, or another is
    /// wanted, the connection is proven by a ping, which also tells the pod that it leads to.
    pub(super) async fn connect(&self, avoid: &[PodName]) -> Result<PooledConnection, String> {
        let addresses = self.look_up_addresses().await?;
        self.connect_to_any(&addresses, avoid).await
    }

    pub(super) async fn connect_to_any(
        &self,
        addresses: &[SocketAddr],
        avoid: &[PodName],
    ) -> Result<PooledConnection, String> {
        let is_left_out = |pod: &str| {
            avoid.iter().any(|avoided| **avoided == *pod)
                || lock(&self.state).outliers.is_ejected(pod, Instant::now())
        };
        let must_prove = !avoid.is_empty() || lock(&self.state).must_prove(Instant::now());
        let attempts = match must_prove {
            true => addresses.len().max(MAX_CONNECTIONS_TO_FIND_A_POD),
            false => addresses.len(),
        };
        let first = self.connections.fetch_add(1, Ordering::Relaxed);
        let mut last = Err(format!("every address of {} is left out", self.address));
        let mut backoff = ROUND_BACKOFF;
        let mut has_failed = false;
        for attempt in 0..attempts {
            if has_failed && attempt % addresses.len() == 0 {
                sleep(backoff.next_pause()).await;
                has_failed = false;
            }
            let address = addresses[first.wrapping_add(attempt) % addresses.len()];
            if addresses.len() > 1 && attempts > 1 && is_left_out(&address.to_string()) {
                continue;
            }
            match self.open(address, must_prove).await {
                Ok(opened) if opened.pod.as_deref().is_some_and(is_left_out) => last = Ok(opened),
                Ok(opened) => return Ok(opened),
                Err(reason) => {
                    has_failed = true;
                    if last.is_err() {
                        last = Err(reason);
                    }
                }
            }
        }
        // The others may be gone: a Service leads to the pods that run.
        if let Ok(PooledConnection { pod: Some(pod), .. }) = &last {
            lock(&self.state).outliers.readmit(pod);
        }
        last
    }

    async fn look_up_addresses(&self) -> Result<Vec<SocketAddr>, String> {
        match resolve(&self.address, self.options.connect.connect_timeout).await {
            Ok(addresses) => {
                lock(&self.state).addresses.clone_from(&addresses);
                Ok(addresses)
            }
            // Name servers that are down do not cut off pods that work.
            Err(error) => match lock(&self.state).addresses.clone() {
                known if known.is_empty() => Err(format!("cannot resolve the name: {error}")),
                known => Ok(known),
            },
        }
    }

    async fn open(&self, address: SocketAddr, prove: bool) -> Result<PooledConnection, String> {
        let connection = Connection::open(address, &self.options.connect)
            .await
            .map_err(|error| format!("cannot connect: {error}"))?;
        let mut opened = PooledConnection { connection, pod: None, idle_since: Instant::now() };
        if prove {
            let pong = opened.connection.exchange((self.ping)(), MAX_PING_BYTES);
            match timeout(PING_TIMEOUT, pong).await {
                Ok(Ok(response)) => self.identify(&mut opened, &response),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) => {
                    return Err(format!("no answer within {} ms", PING_TIMEOUT.as_millis()));
                }
            }
        }
        Ok(opened)
    }
}
