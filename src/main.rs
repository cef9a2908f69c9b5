//! The `maquette` command: parses, sets up logs, dispatches. Everything else is in the library.

use clap::Parser;
use maquette::cli::Cli;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Where nobody reads, there is nobody to tell.
            let _ = error.print();
            return maquette::cli::usage_exit_code(&error);
        }
    };
    cli.logs.set_up();
    match cli.command.run().await {
        Ok(code) => code,
        // Whoever read what was printed has had enough.
        Err(error) if maquette::cli::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            maquette::cli::print_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
