//! The resident memory of each role: idle after its start, and under load.

use super::{Bench, peers::wait_until_served};
use crate::{
    http_load::{self, Method},
    process::Process,
    table::{Series, print_memory},
    workload::Pod,
};
use anyhow::Result;
use std::{net::SocketAddr, thread, time::Duration};

/// The callers of the load.
const CALLERS: usize = 64;
const REQUESTS: usize = 20_000;
/// The time until a started pod is idle: the first probes have ended.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) fn measure(bench: &Bench) -> Result<()> {
    let store = Pod::start_store(&bench.workload)?;
    let owner = Pod::start_owner(&bench.workload, store.address)?;
    let peers = Pod::start_peers(&bench.workload, 3, 3)?;
    // Nothing listens at its target: it waits for the first answer.
    let load = Pod::start_load(&bench.workload, "127.0.0.1:1".parse()?, 1)?;
    thread::sleep(SETTLE);
    print("service, idle", &owner.process, "10")?;
    print("store, idle", &store.process, "10")?;
    print("peer, idle", &peers[0].process, "10")?;
    print("load, idle", &load.process, "10")?;
    http_load::run(&[owner.address], CALLERS, REQUESTS, Method::Put)?;
    http_load::run(&[owner.address], CALLERS, REQUESTS, Method::Get)?;
    print("service, after load by 64 callers", &owner.process, "10")?;
    print("store, after that load", &store.process, "")?;
    let addresses: Vec<SocketAddr> = peers.iter().map(|peer| peer.address).collect();
    wait_until_served(&addresses)?;
    http_load::run(&addresses, CALLERS, REQUESTS / 4, Method::Put)?;
    http_load::run(&addresses, CALLERS, REQUESTS / 2, Method::Get)?;
    print("peer, after load by 64 callers", &peers[0].process, "16")
}

fn print(figure: &str, process: &Process, goal: &str) -> Result<()> {
    let mut memory = Series::default();
    memory.push(process.resident_mebibytes()?);
    print_memory(figure, &memory, goal);
    Ok(())
}
