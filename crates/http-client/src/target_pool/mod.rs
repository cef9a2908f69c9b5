//! The connections to one target: a name with one address (a Service, behind which each connection
//! leads to some pod) or with several (one for each pod).
//!
//! It keeps every connection that becomes idle, until it is idle for too long or too old; so there
//! is no limit below the number of requests in flight. A request without an idle connection waits
//! for a new one, or for one that another request gives back, whichever is first.

mod connect;
#[cfg(test)]
mod tests;

use crate::{
    ConnectOptions, Connection, ExchangeError,
    outlier::{BASE_EJECTION_TIME, OutlierDetector, PodName},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, header::HeaderName};
use std::{
    collections::VecDeque,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicUsize},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

/// The bounds of the connections to a target.
#[derive(Clone, Debug)]
pub struct TargetOptions {
    /// The bounds of each connection.
    pub connect: ConnectOptions,
    /// A connection idle for longer is closed.
    pub idle_timeout: Duration,
    /// An older connection is not used again: new ones spread the requests over pods that were
    /// added.
    pub max_age: Duration,
    /// The header of a response with the name of the pod that answers.
    pub pod_header: HeaderName,
}

/// Builds a request that any working pod answers at once.
type PingBuilder = Box<dyn Fn() -> Request<Full<Bytes>> + Send + Sync>;

/// The connections to one target. When it is dropped, those that are idle are closed.
pub struct TargetPool {
    address: String,
    options: TargetOptions,
    ping: PingBuilder,
    state: Mutex<PoolState>,
    /// The number of connections so far: each begins at the next address.
    connections: AtomicUsize,
}

#[derive(Default)]
struct PoolState {
    /// In the order in which they became idle.
    idle: Vec<PooledConnection>,
    /// Requests without a connection. For each of them a connection is being established.
    waiting: VecDeque<oneshot::Sender<Result<PooledConnection, String>>>,
    /// The addresses of the last successful look-up.
    addresses: Vec<SocketAddr>,
    outliers: OutlierDetector,
    /// A pod may hang: new connections are proven by a ping until then.
    suspicious_until: Option<Instant>,
    /// Whether a task closes idle connections.
    is_reaped: bool,
}

struct PooledConnection {
    connection: Connection,
    /// The pod that answered over it.
    pod: Option<PodName>,
    idle_since: Instant,
}

/// One try of a request: the pods that it avoids, and the one that it is sent to.
#[derive(Debug)]
pub struct Try {
    started: Instant,
    avoid: Vec<PodName>,
    pod: Mutex<Option<PodName>>,
}

impl Default for Try {
    fn default() -> Self {
        Self::avoiding(vec![])
    }
}

impl Try {
    /// A try that starts now, and is sent to another pod than these if there is one.
    pub fn avoiding(pods: Vec<PodName>) -> Self {
        Self { started: Instant::now(), avoid: pods, pod: Mutex::default() }
    }

    /// The pod that it was sent to, if that is known.
    pub fn pod(&self) -> Option<PodName> {
        lock(&self.pod).clone()
    }
}

impl fmt::Debug for TargetPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetPool").field("address", &self.address).finish_non_exhaustive()
    }
}

impl TargetPool {
    /// An empty pool for the `host:port` `address`, which is resolved for each new connection.
    /// `ping` builds the request that proves a new connection while some pod is left out.
    pub fn new(
        address: String,
        options: TargetOptions,
        ping: impl Fn() -> Request<Full<Bytes>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (state, connections) = (Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { address, options, ping: Box::new(ping), state, connections })
    }

    /// Sends the request that `build` makes, once; again only while a connection that was idle
    /// turns out to be closed, so that the other end has not seen it.
    ///
    /// # Errors
    /// If there is no connection, it fails, or the response has more than `max_bytes` bytes.
    pub async fn exchange(
        self: &Arc<Self>,
        this_try: &Try,
        build: impl Fn() -> Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, ExchangeError> {
        loop {
            let mut taken = self.take(&this_try.avoid).await.map_err(ExchangeError::NotSent)?;
            let was_idle = taken.pod.is_some();
            *lock(&this_try.pod) = self.blamed_pod(&taken);
            match taken.connection.exchange(build(), max_bytes).await {
                Ok(response) => {
                    self.identify(&mut taken, &response);
                    lock(&this_try.pod).clone_from(&taken.pod);
                    self.give_back(taken, response.status());
                    return Ok(response);
                }
                Err(ExchangeError::NotSent(_)) if was_idle => self.discard_idle_of(&taken),
                Err(error) => {
                    self.discard_idle_of(&taken);
                    self.record_failure(this_try);
                    return Err(error);
                }
            }
        }
    }

    /// Counts a try that broke as a failure of its pod.
    fn record_failure(&self, this_try: &Try) {
        let Some(pod) = this_try.pod() else { return };
        let mut state = lock(&self.state);
        if state.outliers.record_failure(&pod, Instant::now()) {
            state.close_idle_of(&pod);
        }
    }

    /// Notes that a try has no answer in its time, while another pod has answered the same request in
    /// its own: the pod of the try is slow, not what it depends on. Its idle connections are closed,
    /// and new ones are proven for a while, because a pod that hangs is known only by that behind the
    /// one address of a Service.
    pub fn record_slow(&self, this_try: &Try) {
        let (now, mut state) = (Instant::now(), lock(&self.state));
        state.suspicious_until = Some(now + BASE_EJECTION_TIME);
        if let Some(pod) = this_try.pod() {
            state.outliers.record_slow(&pod, this_try.started, now);
            state.close_idle_of(&pod);
        }
    }

    /// Closes all idle connections: another component has the address now.
    pub fn discard_all(&self) {
        lock(&self.state).idle.clear();
    }

    async fn take(self: &Arc<Self>, avoid: &[PodName]) -> Result<PooledConnection, String> {
        let receiver = {
            let mut state = lock(&self.state);
            if let Some(idle) = state.pop_idle(avoid, &self.options) {
                return Ok(idle);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            receiver
        };
        self.start_connection(avoid.to_vec());
        receiver.await.unwrap_or_else(|_| Err("the connection task ended".to_owned()))
    }

    /// Establishes a connection for the request that waits longest.
    fn start_connection(self: &Arc<Self>, avoid: Vec<PodName>) {
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = pool.connect(&avoid).await;
            pool.hand_over(outcome);
        });
    }

    /// Gives a connection, or the reason why there is none, to the request that waits longest.
    /// Without one, a connection becomes idle.
    fn hand_over(self: &Arc<Self>, mut outcome: Result<PooledConnection, String>) {
        let mut state = lock(&self.state);
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(outcome) {
                Ok(()) => return,
                // That request has ended.
                Err(unsent) => outcome = unsent,
            }
        }
        let Ok(mut connection) = outcome else { return };
        if connection.connection.age() >= self.options.max_age {
            return;
        }
        connection.idle_since = Instant::now();
        state.idle.push(connection);
        if !state.is_reaped {
            state.is_reaped = true;
            tokio::spawn(close_idle(Arc::downgrade(self), self.options.idle_timeout));
        }
    }

    fn give_back(self: &Arc<Self>, taken: PooledConnection, status: StatusCode) {
        if let Some(pod) = &taken.pod {
            let (now, mut state) = (Instant::now(), lock(&self.state));
            // 502, 503 and 504 tell of what the pod depends on: a store that fails must not eject
            // the pods above it.
            if status != StatusCode::INTERNAL_SERVER_ERROR {
                state.outliers.record_success(pod, now);
            } else if state.outliers.record_failure(pod, now) {
                state.close_idle_of(pod);
            }
            // Another request may have ejected it meanwhile.
            if state.outliers.is_ejected(pod, now) {
                return;
            }
        }
        if !taken.connection.is_closed() {
            self.hand_over(Ok(taken));
        }
    }

    /// Where one connection failed, the others to the same pod fail too.
    fn discard_idle_of(&self, failed: &PooledConnection) {
        let remote = failed.connection.remote();
        lock(&self.state).idle.retain(|idle| match &failed.pod {
            Some(pod) => idle.pod.as_ref() != Some(pod),
            None => idle.connection.remote() != remote,
        });
    }

    /// The name under which a failure of the connection counts: the pod, or the address if there
    /// are several. The only address of a Service leads to all pods.
    fn blamed_pod(&self, taken: &PooledConnection) -> Option<PodName> {
        if taken.pod.is_some() {
            return taken.pod.clone();
        }
        let has_several = lock(&self.state).addresses.len() > 1;
        has_several.then(|| taken.connection.remote().to_string().into())
    }

    /// Notes which pod answered.
    fn identify(&self, taken: &mut PooledConnection, response: &Response<Bytes>) {
        let named = response.headers().get(&self.options.pod_header);
        let named = named.and_then(|name| name.to_str().ok());
        match (&taken.pod, named) {
            (Some(known), Some(name)) if **known == *name => {}
            // Its target does not name pods.
            (Some(_), None) => {}
            (_, Some(name)) => taken.pod = Some(name.into()),
            (None, None) => taken.pod = Some(taken.connection.remote().to_string().into()),
        }
    }
}

impl PoolState {
    /// Whether a new connection must answer a ping before it is used.
    fn must_prove(&self, now: Instant) -> bool {
        self.suspicious_until.is_some_and(|until| now < until) || self.outliers.has_ejected(now)
    }

    fn close_idle_of(&mut self, pod: &PodName) {
        self.idle.retain(|idle| idle.pod.as_ref() != Some(pod));
    }

    /// The connection that was used last: the others become idle for long enough to be closed.
    fn pop_idle(&mut self, avoid: &[PodName], options: &TargetOptions) -> Option<PooledConnection> {
        let mut index = self.idle.len();
        while index > 0 {
            index -= 1;
            let pod = self.idle[index].pod.as_ref();
            if pod.is_some_and(|pod| avoid.contains(pod)) {
                continue;
            }
            let idle = self.idle.remove(index);
            if idle.is_usable(options) {
                return Some(idle);
            }
        }
        None
    }
}

impl PooledConnection {
    fn is_usable(&self, options: &TargetOptions) -> bool {
        !self.connection.is_closed()
            && self.connection.age() < options.max_age
            && self.idle_since.elapsed() < options.idle_timeout
    }
}

/// Closes connections that are idle for too long, until none is left.
async fn close_idle(pool: Weak<TargetPool>, idle_timeout: Duration) {
    loop {
        sleep(idle_timeout / 4).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = lock(&pool.state);
        state.idle.retain(|idle| idle.is_usable(&pool.options));
        if state.idle.is_empty() {
            state.idle.shrink_to_fit();
            state.is_reaped = false;
            return;
        }
    }
}

/// A panic while the lock was held leaves the state complete: no change of it can panic midway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
