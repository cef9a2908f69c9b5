//! The CPU time of the load for each request that it sends.

use super::Bench;
use crate::{
    table::{Series, print_cpu, print_rate},
    workload::Pod,
};
use anyhow::{Context, Result};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Requests per second: a small load, which sleeps between its requests, and the largest that one CPU
/// is to hold.
const RATES: [u32; 2] = [1_000, 10_000];
const ROUND: Duration = Duration::from_secs(3);

pub(super) fn measure(bench: &Bench) -> Result<()> {
    for rate in RATES {
        let store = Pod::start_store(&bench.workload)?;
        let owner = Pod::start_owner(&bench.workload, store.address)?;
        let load = Pod::start_load(&bench.workload, owner.address, rate)?;
        // The virtual users start after the first answer.
        thread::sleep(ROUND);
        let (mut cpu, mut rates) = (Series::default(), Series::default());
        for _ in 0..bench.rounds {
            let (start, before) = (Instant::now(), load.process.cpu_seconds()?);
            let sent = requests_sent(&load)?;
            thread::sleep(ROUND);
            let requests = requests_sent(&load)? - sent;
            rates.push(requests / start.elapsed().as_secs_f64());
            cpu.push((load.process.cpu_seconds()? - before) * 1e6 / requests);
        }
        print_cpu(&format!("load, {rate} requests per second"), &cpu, "40");
        print_rate(&format!("load, {rate} requests per second: succeeded"), &rates);
    }
    Ok(())
}

/// The requests that have succeeded so far.
fn requests_sent(load: &Pod) -> Result<f64> {
    let observed = load.observe()?;
    let succeeded = observed.pointer("/load/succeeded").and_then(serde_json::Value::as_f64);
    succeeded.context("the load reports no requests")
}
