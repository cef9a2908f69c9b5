//! A service that forwards, beside the service that it forwards to, and beside a bare server.

use super::Bench;
use crate::{
    http_load::{self, Method},
    process::{Process, free_address},
    responder,
    table::{Series, print_cpu, print_ratio},
    workload::Pod,
};
use anyhow::Result;
use std::{env, net::SocketAddr, process::Command, time::Duration};

/// The least requests of a run.
const REQUESTS: usize = 8_000;
/// The least requests of each caller, beside which the CPU time of its connections is small.
const REQUESTS_PER_CALLER: usize = 200;

pub(super) fn measure(bench: &Bench) -> Result<()> {
    let store = Pod::start_store(&bench.workload)?;
    let owner = Pod::start_owner(&bench.workload, store.address)?;
    let front = Pod::start_front(&bench.workload, owner.address)?;
    let address = free_address()?;
    let mut command = Command::new(env::current_exe()?);
    let bare = Process::start(
        command.arg("respond").env(responder::ADDRESS, address.to_string()),
        address,
    )?;
    http_load::run(&[owner.address], 16, http_load::ITEMS * 16, Method::Put)?;
    for callers in [16, 64, 200] {
        let (mut to_one, mut to_bare) = (Series::default(), Series::default());
        let (mut front_cpu, mut bare_cpu) = (Series::default(), Series::default());
        for _ in 0..bench.rounds {
            let (two, cpu) = run(front.address, callers, &front.process)?;
            let (one, _) = run(owner.address, callers, &owner.process)?;
            let (bare_took, cpu_of_bare) = run(address, callers, &bare)?;
            to_one.push(one.as_secs_f64() / two.as_secs_f64());
            to_bare.push(bare_took.as_secs_f64() / two.as_secs_f64());
            front_cpu.push(cpu);
            bare_cpu.push(cpu_of_bare);
        }
        print_ratio(&format!("two hops to one, {callers} callers"), &to_one, "0.75");
        print_ratio(&format!("two hops to a bare server, {callers} callers"), &to_bare, "");
        print_cpu(&format!("front hop, {callers} callers"), &front_cpu, "40");
        print_cpu(&format!("bare server, {callers} callers"), &bare_cpu, "");
    }
    Ok(())
}

/// The time of all requests, and the CPU time of `process` for each, in microseconds.
#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn run(server: SocketAddr, callers: usize, process: &Process) -> Result<(Duration, f64)> {
    let requests = REQUESTS.max(callers * REQUESTS_PER_CALLER);
    let before = process.cpu_seconds()?;
    let took = http_load::run(&[server], callers, requests, Method::Get)?;
    Ok((took, (process.cpu_seconds()? - before) * 1e6 / requests as f64))
}
