//! `make bench`: the workload's speed and memory as ratios to what runs beside it.
//!
//! Each figure is measured in rounds that alternate between the two sides, so that a busy machine
//! slows both; the table shows the median of the rounds and their range. CPU time is that of the
//! measured processes alone. Every load is bounded in requests, and goes to 127.0.0.1.

mod http_load;
mod process;
mod responder;
mod suites;
mod table;
mod workload;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use suites::{Bench, Suite};

#[derive(Debug, Parser)]
#[command(name = "maquette-bench", about = "Measures the workload")]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// The release build of the workload.
    #[arg(long, value_name = "FILE", default_value = "target/release/workload")]
    workload: PathBuf,
    /// The rounds of each measurement.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Which suites run; all without it.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Suite>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers HTTP requests with a fixed body until it is killed: the bare server of a comparison.
    #[command(hide = true)]
    Respond,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if matches!(options.command, Some(Command::Respond)) {
        return responder::run();
    }
    let workload = options.workload.canonicalize().with_context(|| {
        let path = options.workload.display();
        format!("cannot find {path}: run `cargo build --release -p maquette-workload`")
    })?;
    Bench { workload, rounds: options.rounds }.run(&options.only)
}
