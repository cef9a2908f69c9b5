//! The CPU time of the load for each request that it sends.

use super::Bench;
use crate::{
    table::{Series, print_cpu},
    workload::Pod,
};
use anyhow::Result;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Requests per second.
const RATE: u32 = 1_000;
const ROUND: Duration = Duration::from_secs(3);

pub(super) fn measure(bench: &Bench) -> Result<()> {
    let store = Pod::start_store(&bench.workload)?;
    let owner = Pod::start_owner(&bench.workload, store.address)?;
    let load = Pod::start_load(&bench.workload, owner.address, RATE)?;
    // The virtual users start after the first answer.
    thread::sleep(ROUND);
    let mut cpu = Series::default();
    for _ in 0..bench.rounds {
        let (start, before) = (Instant::now(), load.process.cpu_seconds()?);
        thread::sleep(ROUND);
        let requests = f64::from(RATE) * start.elapsed().as_secs_f64();
        cpu.push((load.process.cpu_seconds()? - before) * 1e6 / requests);
    }
    print_cpu(&format!("load, {RATE} requests per second"), &cpu, "40");
    Ok(())
}
