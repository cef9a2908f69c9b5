//! The `workload` command: parses its flags and runs the role that its configuration names.

use clap::Parser;
use maquette_workload::{Options, run};
use std::process::ExitCode;

/// musl's own allocator takes one lock for every allocation of the process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Options::parse())
}
