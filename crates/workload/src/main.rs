//! The `workload` command: parses its flags and runs the role that its configuration names.

use clap::Parser;
use maquette_workload::{Options, run};
use std::process::ExitCode;

/// musl's own allocator takes one lock for every allocation of the process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Huge pages would make 11 MiB of the 4 MiB that an idle service needs. A kernel that cannot do
    // without them costs memory, no more.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    run(Options::parse())
}
