//! The CPU time of requests to peers, over all peers.

use super::Bench;
use crate::{
    http_load::{self, Method},
    table::{Series, print_cpu},
    workload::Pod,
};
use anyhow::{Result, bail};
use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

const CALLERS: usize = 16;
const GETS: usize = 10_000;
const PUTS: usize = 3_000;
/// The longest time until all peers serve.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn measure(bench: &Bench) -> Result<()> {
    for count in [3, 5] {
        let peers = Pod::start_peers(&bench.workload, count, 3)?;
        let addresses: Vec<SocketAddr> = peers.iter().map(|peer| peer.address).collect();
        wait_until_served(&addresses)?;
        let (mut gets, mut puts) = (Series::default(), Series::default());
        for _ in 0..bench.rounds {
            puts.push(run(&peers, &addresses, PUTS, Method::Put)?);
            gets.push(run(&peers, &addresses, GETS, Method::Get)?);
        }
        print_cpu(&format!("{count} peers, 3 copies: GET, all peers"), &gets, "130");
        print_cpu(&format!("{count} peers, 3 copies: PUT, all peers"), &puts, "375");
    }
    Ok(())
}

/// Writes all items, by each peer.
pub(super) fn wait_until_served(addresses: &[SocketAddr]) -> Result<()> {
    let latest = Instant::now() + READY_TIMEOUT;
    let requests = http_load::ITEMS * CALLERS;
    while let Err(error) = http_load::run(addresses, CALLERS, requests, Method::Put) {
        if Instant::now() > latest {
            bail!("the peers do not serve: {error}");
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The CPU time of all peers for each request, in microseconds.
#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn run(peers: &[Pod], addresses: &[SocketAddr], requests: usize, method: Method) -> Result<f64> {
    let before = all_cpu_seconds(peers)?;
    http_load::run(addresses, CALLERS, requests, method)?;
    Ok((all_cpu_seconds(peers)? - before) * 1e6 / requests as f64)
}

fn all_cpu_seconds(peers: &[Pod]) -> Result<f64> {
    peers.iter().map(|peer| peer.process.cpu_seconds()).sum()
}
