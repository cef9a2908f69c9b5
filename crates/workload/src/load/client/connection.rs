//! Opens connections, and tells the limits of the load's own process from failures of the target.

use crate::load::failure::{FailureKind, RequestFailure};
use maquette_contract::Address;
use maquette_http_client::{ConnectOptions, Connection, resolve};
use rustix::io::Errno;
use std::{io, time::Duration};

/// The bounds of each connection.
const CONNECT_OPTIONS: ConnectOptions = ConnectOptions {
    // The kernel repeats a packet that was lost, or for which the queue was full, after 1 s.
    connect_timeout: Duration::from_secs(3),
    // A pod whose machine fails sends neither FIN nor RST.
    tcp_user_timeout: Duration::from_secs(2),
};
/// The longest wait for the addresses of a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// The errors of `socket` and `connect` that are limits of this process or its pod.
const LOCAL_LIMITS: [Errno; 5] =
    [Errno::ADDRNOTAVAIL, Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];

/// A new connection to one of the addresses, which are tried in order.
///
/// # Errors
/// Of the last address.
pub(super) async fn connect(address: &Address) -> Result<Connection, RequestFailure> {
    let remotes = resolve(&address.0, RESOLVE_TIMEOUT).await;
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for remote in remotes.map_err(|error| connect_failure(address, &error))? {
        match Connection::open(remote, &CONNECT_OPTIONS).await {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(connect_failure(address, &failure))
}

fn connect_failure(address: &Address, error: &io::Error) -> RequestFailure {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    let kind = match number.filter(|number| LOCAL_LIMITS.contains(number)) {
        Some(_) => FailureKind::GeneratorLimit,
        None => FailureKind::Unreachable,
    };
    kind.because(format!("cannot reach {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_this_process_are_no_failures_of_the_target() {
        let kind = |error: Errno| connect_failure(&Address::new("web", 80), &error.into()).kind;
        for limit in LOCAL_LIMITS {
            assert_eq!(kind(limit), FailureKind::GeneratorLimit);
        }
        for failure in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT] {
            assert_eq!(kind(failure), FailureKind::Unreachable);
        }
    }
}
