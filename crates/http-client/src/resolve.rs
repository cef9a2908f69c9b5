//! Resolves host names.
//!
//! `getaddrinfo` blocks its thread for 10 s and longer while no name server answers. So look-ups
//! have threads of their own, at most [`MAX_LOOKUPS`] at once, callers that ask for the same name
//! share one look-up, and a name that was resolved before keeps its addresses until a look-up has
//! newer ones.

use hyper_util::client::legacy::connect::dns::Name;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread,
    time::Duration,
    vec,
};
use tokio::{
    sync::{Semaphore, oneshot, watch},
    time::{Instant, timeout},
};
use tower_service::Service;

/// The most look-ups, and their threads, at once.
const MAX_LOOKUPS: usize = 2;
/// For so long addresses are used without another look-up.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// The longest wait for a look-up of a name whose last addresses are known.
const MAX_REFRESH_WAIT: Duration = Duration::from_millis(250);
/// The addresses of a name that is not used for longer are dropped.
const UNUSED_FOR: Duration = Duration::from_secs(3600);

type LookupFn = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
/// The addresses, or why there are none.
type Lookup = Result<Vec<IpAddr>, Arc<str>>;

/// A resolver of host names; clones share its threads and its addresses.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Inner>,
}

struct Inner {
    lookup: Box<LookupFn>,
    permits: Arc<Semaphore>,
    names: Mutex<HashMap<String, KnownName>>,
}

/// What is known of a name.
struct KnownName {
    used: Instant,
    /// The addresses of the last look-up that succeeded, and when it ended.
    addresses: Option<(Vec<IpAddr>, Instant)>,
    /// The look-up that runs.
    running: Option<watch::Receiver<Option<Lookup>>>,
}

static SHARED: LazyLock<Resolver> = LazyLock::new(|| Resolver::new(look_up));

/// Blocks.
fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// The addresses of a `host:port`; a literal address needs no look-up.
///
/// # Errors
/// If the text is not of this form, if the name does not exist, or if it is not known and there is
/// no answer within the time-out.
pub async fn resolve(host_port: &str, within: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(literal) = host_port.parse() {
        return Ok(vec![literal]);
    }
    let malformed = || io::Error::other(format!("{host_port:?} is not host:port"));
    let (host, digits) = host_port.rsplit_once(':').ok_or_else(malformed)?;
    let port = digits.parse().map_err(|_| malformed())?;
    let found = timeout(within, Resolver::shared().resolve_name(host)).await.map_err(|_| {
        let message = format!("no answer of the name servers within {} ms", within.as_millis());
        io::Error::new(io::ErrorKind::TimedOut, message)
    })??;
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

impl Resolver {
    /// The resolver of this process.
    pub fn shared() -> Self {
        SHARED.clone()
    }

    fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        let (permits, names) = (Arc::new(Semaphore::new(MAX_LOOKUPS)), Mutex::default());
        Self { inner: Arc::new(Inner { lookup: Box::new(lookup), permits, names }) }
    }

    /// The addresses of a host.
    async fn resolve_name(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let (last, mut running) = {
            let mut names = self.inner.names();
            let now = Instant::now();
            names.retain(|_, known| known.used.elapsed() < UNUSED_FOR || known.running.is_some());
            let known = names.entry(host.to_owned()).or_insert_with(|| KnownName {
                used: now,
                addresses: None,
                running: None,
            });
            known.used = now;
            if let Some((addresses, ended)) = &known.addresses
                && ended.elapsed() < FRESH_FOR
            {
                return Ok(addresses.clone());
            }
            let running = known.running.get_or_insert_with(|| self.start_lookup(host)).clone();
            (known.addresses.clone().map(|(addresses, _)| addresses), running)
        };
        let ended = async {
            // An error means that the look-up ended without a result.
            let ended = running.wait_for(Option::is_some).await;
            ended.ok().and_then(|lookup| lookup.clone())
        };
        let Some(last) = last else {
            let lookup = ended.await.unwrap_or_else(|| Err("the look-up was cancelled".into()));
            return lookup.map_err(|reason| io::Error::other(reason.to_string()));
        };
        match timeout(MAX_REFRESH_WAIT, ended).await {
            Ok(Some(Ok(addresses))) => Ok(addresses),
            _ => Ok(last),
        }
    }

    /// Starts a look-up, which runs to its end although its callers may not wait for it.
    fn start_lookup(&self, host: &str) -> watch::Receiver<Option<Lookup>> {
        let (sender, receiver) = watch::channel(None);
        let (inner, host) = (Arc::clone(&self.inner), host.to_owned());
        tokio::spawn(async move {
            let lookup = inner.look_up_on_thread(&host).await;
            inner.record_lookup(&host, &lookup);
            // All callers may have stopped waiting.
            sender.send_replace(Some(lookup));
        });
        receiver
    }
}

impl Inner {
    fn names(&self) -> MutexGuard<'_, HashMap<String, KnownName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks a name up on a thread of its own, once fewer than [`MAX_LOOKUPS`] run.
    async fn look_up_on_thread(self: &Arc<Self>, host: &str) -> Lookup {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let (sender, result) = oneshot::channel();
        let (inner, name) = (Arc::clone(self), host.to_owned());
        let thread = thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            // Held until the thread ends, also if the runtime has ended.
            let _permit = permit;
            // Sending fails if the runtime has ended.
            let _ = sender.send((inner.lookup)(&name));
        });
        let found = match thread {
            Ok(_) => result.await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into())),
            Err(error) => Err(error),
        };
        match found {
            Ok(addresses) if addresses.is_empty() => Err("the name has no address".into()),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(error.to_string().into()),
        }
    }

    fn record_lookup(&self, host: &str, lookup: &Lookup) {
        let mut names = self.names();
        let Some(known) = names.get_mut(host) else { return };
        known.running = None;
        match lookup {
            Ok(addresses) => known.addresses = Some((addresses.clone(), Instant::now())),
            // Its last addresses are the best guess.
            Err(_) if known.addresses.is_some() => {}
            Err(_) => drop(names.remove(host)),
        }
    }
}

/// For the connector of a connection pool.
impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.resolve_name(name.as_str()).await?;
            // The connector sets the port.
            let addresses: Vec<SocketAddr> =
                found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        net::Ipv4Addr,
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
    };

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const LONG: Duration = Duration::from_secs(20);

    /// A name server that can be silenced; counts the look-ups.
    #[derive(Clone)]
    struct NameServer {
        silent: Arc<Mutex<Option<mpsc::Receiver<()>>>>,
        started: Arc<AtomicUsize>,
    }

    impl NameServer {
        fn new() -> Self {
            Self { silent: Arc::default(), started: Arc::default() }
        }

        /// From now on look-ups block until the sender is dropped.
        fn silence(&self) -> mpsc::Sender<()> {
            let (sender, receiver) = mpsc::channel();
            *self.silent.lock().unwrap() = Some(receiver);
            sender
        }

        fn resolver(&self) -> Resolver {
            let server = self.clone();
            Resolver::new(move |host| {
                server.started.fetch_add(1, Ordering::SeqCst);
                if host.starts_with("silent")
                    && let Some(receiver) = &*server.silent.lock().unwrap()
                {
                    let _ = receiver.recv();
                }
                if host.ends_with(".unknown") {
                    return Err(io::Error::other("no such name"));
                }
                Ok(vec![ADDRESS])
            })
        }
    }

    async fn wait_until(holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, waiting).await.expect("it holds");
    }

    /// Blocks two look-ups; returns what ends them.
    async fn block_two(server: &NameServer, resolver: &Resolver) -> Vec<mpsc::Sender<()>> {
        let end = server.silence();
        for name in ["silent-1", "silent-2"] {
            let resolver = resolver.clone();
            tokio::spawn(async move { resolver.resolve_name(name).await });
        }
        wait_until(|| server.started.load(Ordering::SeqCst) >= 2).await;
        vec![end]
    }

    #[test]
    fn silent_lookups_take_no_thread_from_the_disk() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = NameServer::new();
            let resolver = server.resolver();
            let end = block_two(&server, &resolver).await;
            let read = timeout(LONG, tokio::task::spawn_blocking(|| 1)).await;
            assert_eq!(read.expect("the only blocking thread is free").unwrap(), 1);
            drop(end);
        });
    }

    #[tokio::test]
    async fn at_most_two_lookups_run_and_callers_share_them() {
        let server = NameServer::new();
        let resolver = server.resolver();
        let end = block_two(&server, &resolver).await;
        let waiting: Vec<_> = (0..20)
            .map(|caller| {
                let resolver = resolver.clone();
                let name = format!("other-{}", caller % 2);
                tokio::spawn(async move { resolver.resolve_name(&name).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(server.started.load(Ordering::SeqCst), 2);
        drop(end);
        for caller in waiting {
            assert_eq!(timeout(LONG, caller).await.unwrap().unwrap().unwrap(), [ADDRESS]);
        }
        assert_eq!(server.started.load(Ordering::SeqCst), 4, "one look-up for each name");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_address_is_kept_while_the_name_server_is_silent() {
        let server = NameServer::new();
        let resolver = server.resolver();
        assert_eq!(resolver.resolve_name("silent.svc").await.unwrap(), [ADDRESS]);
        let end = server.silence();
        tokio::time::advance(FRESH_FOR * 2).await;
        assert_eq!(resolver.resolve_name("silent.svc").await.unwrap(), [ADDRESS]);
        drop(end);
    }

    #[tokio::test]
    async fn a_failed_lookup_is_an_error_and_is_not_remembered() {
        let server = NameServer::new();
        let resolver = server.resolver();
        let error = resolver.resolve_name("pod.unknown").await.unwrap_err();
        assert_eq!(error.to_string(), "no such name");
        assert!(resolver.inner.names().is_empty());
    }

    #[tokio::test]
    async fn addresses_are_resolved_with_their_port() {
        let literal = resolve("[::1]:7000", LONG).await.unwrap();
        assert_eq!(literal, ["[::1]:7000".parse().unwrap()]);
        let local = resolve("localhost:7000", LONG).await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback() && address.port() == 7000));
        assert!(resolve("localhost", LONG).await.is_err());
        assert!(resolve("name.invalid:80", LONG).await.is_err());
    }
}
