//! A store beside Redis 7, which syncs each write to disk too; both on the same disk.

use super::Bench;
use crate::{
    process::{Process, free_address},
    table::{Series, print_cpu, print_ratio},
    workload::Pod,
};
use anyhow::{Context, Result, bail};
use std::{net::SocketAddr, os::unix::process::CommandExt, process::Command};
use tempfile::TempDir;

/// The keys in use, with values of [`VALUE_BYTES`].
const KEYS: &str = "10000";
const VALUE_BYTES: &str = "100";

/// One line of the table: how `redis-benchmark` runs.
struct Case {
    name: &'static str,
    test: &'static str,
    connections: &'static str,
    pipeline: &'static str,
    requests: u32,
    goal: &'static str,
}

const CASES: [Case; 6] = [
    Case::new("GET, 64 connections", "get", ["64", "1"], 50_000, "0.9"),
    Case::new("GET, 64 connections, pipeline of 16", "get", ["64", "16"], 300_000, "0.6"),
    Case::new("GET, 1 connection", "get", ["1", "1"], 10_000, "0.8"),
    Case::new("SET, 64 connections", "set", ["64", "1"], 10_000, "0.8"),
    Case::new("SET, 64 connections, pipeline of 16", "set", ["64", "16"], 40_000, "0.5"),
    Case::new("SET, 1 connection", "set", ["1", "1"], 200, "0.8"),
];

impl Case {
    const fn new(
        name: &'static str,
        test: &'static str,
        [connections, pipeline]: [&'static str; 2],
        requests: u32,
        goal: &'static str,
    ) -> Self {
        Self { name, test, connections, pipeline, requests, goal }
    }

    /// Requests per second, and the server's CPU time for each, in microseconds.
    fn run(&self, server: &Server<'_>) -> Result<(f64, f64)> {
        let before = server.process.cpu_seconds()?;
        let output = Command::new("redis-benchmark")
            .args(["-h", "127.0.0.1", "-p", &server.address.port().to_string()])
            .args(["-r", KEYS, "-d", VALUE_BYTES, "--csv", "-t", self.test])
            .args(["-c", self.connections, "-P", self.pipeline])
            .args(["-n", &self.requests.to_string()])
            .output()
            .context("cannot run redis-benchmark: install redis-tools")?;
        if !output.status.success() {
            bail!("redis-benchmark failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().context("redis-benchmark printed nothing")?;
        let rate = line.split('"').nth(3).with_context(|| format!("no rate in {line}"))?;
        let cpu = server.process.cpu_seconds()? - before;
        Ok((rate.parse()?, cpu * 1e6 / f64::from(self.requests)))
    }
}

struct Server<'a> {
    process: &'a Process,
    address: SocketAddr,
}

pub(super) fn measure(bench: &Bench) -> Result<()> {
    let directory = TempDir::new()?;
    let address = free_address()?;
    let redis = Process::start(&mut redis_command(&directory, address), address)?;
    let store = Pod::start_store(&bench.workload)?;
    let servers = [
        Server { process: &store.process, address: store.address },
        Server { process: &redis, address },
    ];
    let fill = Case::new("", "set", ["64", "64"], 60_000, "");
    for server in &servers {
        fill.run(server)?;
    }
    for case in &CASES {
        let (mut ratios, mut own, mut other) =
            (Series::default(), Series::default(), Series::default());
        for _ in 0..bench.rounds {
            let [(rate, cpu), (redis_rate, redis_cpu)] =
                [case.run(&servers[0])?, case.run(&servers[1])?];
            ratios.push(rate / redis_rate);
            own.push(cpu);
            other.push(redis_cpu);
        }
        print_ratio(&format!("store to Redis: {}", case.name), &ratios, case.goal);
        print_cpu(&format!("store: {}", case.name), &own, "");
        print_cpu(&format!("Redis: {}", case.name), &other, "");
    }
    Ok(())
}

/// Redis with its data in `directory`. Debian has the server's binary in two packages, under two
/// names: the one in `redis-tools`, which starts no service, is the server under the server's name.
fn redis_command(directory: &TempDir, address: SocketAddr) -> Command {
    let mut command = Command::new("redis-check-rdb");
    command
        .arg0("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .arg("--dir")
        .arg(directory.path());
    command
}
