//! The `workload` command: parses its flags and runs the role that its configuration names.

use clap::Parser;
use maquette_workload::{run, runtime::Options};
use std::process::ExitCode;

/// mimalloc, because musl's allocator takes one global lock for each allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Transparent huge pages grow an idle service from 4 to 11 MiB. On a kernel that cannot disable
    // them the service only needs more memory: no error.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    abort_on_panic();
    run(Options::parse())
}

/// A task that panics may leave memory and disk different: the process ends, and the kubelet starts it
/// again. Nothing else would notice, as the runtime goes on with the other tasks.
fn abort_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        std::process::abort();
    }));
}
