//! The `maquette` command: one file per command.
//!
//! Owns what a person types and reads on a terminal. It never holds logic of its own: each command
//! reads its input, calls the module that knows, and prints.
//!
//! Exit codes: 0 when all is well, 1 when a command failed or, for `lint`, found problems, and 2
//! when the command line cannot be understood. For `plan` 2 says that there is something to do, so
//! that a command line that cannot be understood is a failure like others: 1.

mod checked;
mod cluster;
mod crd;
mod graph;
mod input;
mod lint;
mod logs;
mod operator;
mod output;
mod plan;
mod render;

use clap::{CommandFactory, Parser, Subcommand};
use std::{error::Error, process::ExitCode};

/// What a command ends with: the exit code, or an error that [`print_error`] prints. Nothing but
/// `main` handles it, so the type of the error is of no use to anybody.
pub type CommandResult = Result<ExitCode, Box<dyn Error + Send + Sync>>;

/// Working models of distributed architectures on Kubernetes.
///
/// Apply an Architecture and get a running client-server, three-tier, n-tier or peer-to-peer
/// system, with real traffic between real pods.
#[derive(Debug, Parser)]
#[command(name = "maquette", version, propagate_version = true)]
pub struct Cli {
    /// How to log.
    #[command(flatten)]
    pub logs: logs::LogArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, one file each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator: keep every Architecture of the cluster true.
    Operator(operator::Args),
    /// Print the objects that Architectures become, without a cluster.
    Render(render::Args),
    /// Check Architectures, without a cluster, and name every problem.
    Lint(lint::Args),
    /// Draw an Architecture, or how two differ: as Mermaid, DOT or SVG.
    Graph(graph::Args),
    /// Tell what a change will do, step by step, without doing it; or follow one.
    Plan(plan::Args),
    /// Print the CustomResourceDefinition of Architecture.
    Crd(crd::Args),
}

impl Command {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Whatever kept the command from its work; the message and its sources say what and the mend.
    pub async fn run(self) -> CommandResult {
        match self {
            Self::Operator(args) => operator::run(args).await,
            Self::Render(args) => render::run(&args),
            Self::Lint(args) => lint::run(&args),
            Self::Graph(args) => graph::run(&args).await,
            Self::Plan(args) => plan::run(&args).await,
            Self::Crd(args) => crd::run(&args),
        }
    }
}

/// The exit code when a command line was not understood, or was a question for help.
pub fn usage_exit_code(error: &clap::Error) -> ExitCode {
    let lenient = Cli::command().ignore_errors(true).try_get_matches();
    let plan = lenient.is_ok_and(|matches| matches.subcommand_name() == Some("plan"));
    match (error.use_stderr(), plan) {
        (false, _) => ExitCode::SUCCESS,
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(2),
    }
}

/// Whether the error is that nobody reads the output any more.
pub fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints an error and all that caused it, each once, on the standard error.
pub fn print_error(error: &(dyn Error + 'static)) {
    let mut printed = error.to_string();
    eprintln!("error: {printed}");
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        // Some libraries repeat the source in their own message.
        if !printed.contains(&text) {
            eprintln!("  because: {text}");
        }
        printed = text;
        next = source.source();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
