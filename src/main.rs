//! The `maquette` command: parses the command line, starts logging, dispatches. Everything else is
//! in the library.

use clap::Parser;
use maquette::cli::Cli;
use std::process::ExitCode;

/// mimalloc returns memory of past bursts, such as first lists, and takes no global lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // If printing fails, there is no other place to report to.
            let _ = error.print();
            return maquette::cli::usage_exit_code(&error);
        }
    };
    cli.logs.set_up();
    match cli.command.run().await {
        Ok(code) => code,
        // EPIPE: the reader closed the pipe; not an error.
        Err(error) if maquette::cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            maquette::cli::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
