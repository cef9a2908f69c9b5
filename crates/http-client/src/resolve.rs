//! Looks up the addresses of a name.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{net::lookup_host, sync::Semaphore, time::timeout};

/// Look-ups at once in this process. The system's resolver blocks a thread for each, for many
/// seconds while the name servers are silent.
static LOOKUPS: Semaphore = Semaphore::const_new(2);

/// The addresses of a `host:port`; a literal address needs no look-up.
///
/// # Errors
/// If the name does not exist, or if there is no answer within the time-out.
pub async fn resolve(host_port: &str, within: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host_port.parse() {
        return Ok(vec![address]);
    }
    let name = host_port.to_owned();
    // A task of its own: a look-up that takes longer keeps its place until its thread is free.
    let lookup = tokio::spawn(async move {
        let _place = LOOKUPS.acquire().await.map_err(io::Error::other)?;
        lookup_host(name).await.map(Vec::from_iter)
    });
    let addresses = timeout(within, lookup).await.map_err(|_| {
        let message = format!("no answer of the name servers within {} ms", within.as_millis());
        io::Error::new(io::ErrorKind::TimedOut, message)
    })???;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_and_literal_addresses_are_resolved() {
        let second = Duration::from_secs(30);
        assert_eq!(
            resolve("127.0.0.3:80", second).await.unwrap(),
            ["127.0.0.3:80".parse().unwrap()]
        );
        let local = resolve("localhost:81", second).await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback() && address.port() == 81));
        assert!(resolve("name.invalid:80", second).await.is_err());
    }
}
