//! The `maquette` command: one file per command.
//!
//! Owns the command line and what is printed on a terminal. It never holds logic of its own: each
//! command reads its input, calls the module that has the logic, and prints.
//!
//! Exit codes: 0 for success, 1 when a command failed or `lint` found problems, and 2 when the
//! command line is not valid. For `plan`, 2 means that there is something to do, so a command line
//! that is not valid gives 1, as other failures do.

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
use std::{io, process::ExitCode};

/// The exit code of a command, or an error that `main` prints with [`print_error`].
pub type CommandResult = anyhow::Result<ExitCode>;

/// Working models of distributed architectures on Kubernetes.
///
/// Apply an Architecture and get a running client-server, three-tier, n-tier or peer-to-peer
/// system, with real traffic between real pods.
#[derive(Debug, Parser)]
#[command(name = "maquette", version, propagate_version = true)]
pub struct Cli {
    /// Options for logging, which every command has.
    #[command(flatten)]
    pub logs: logs::LogArgs,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, one file each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator: build and maintain every Architecture of the cluster.
    ///
    /// It uses the cluster that it runs in, or else the one that KUBECONFIG names.
    Operator(operator::Args),
    /// Print the objects that the operator creates for Architectures, without a cluster.
    Render(render::Args),
    /// Check Architectures and list every problem, without a cluster.
    Lint(lint::Args),
    /// Draw an Architecture, or the difference of two, as Mermaid, DOT or SVG.
    ///
    /// Without a file it draws what runs in the cluster, including components that a change in
    /// progress adds or removes.
    Graph(graph::Args),
    /// Show what a change will do, step by step, without doing it; or follow one.
    ///
    /// A plan shows which components come, change and go, where requests and items go, what becomes
    /// of volumes, and what cannot be done. It comes from the same code as the operator's. It
    /// assumes that what runs is healthy: the operator waits until it is.
    ///
    /// With --watch, it follows a change that is in progress until that is done.
    Plan(plan::Args),
    /// Print the CustomResourceDefinition of Architectures.
    Crd(crd::Args),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// When the command failed. The message and its causes say what is wrong and how to fix it.
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

/// The exit code when clap did not accept the command line, or answered `--help` or `--version`.
pub fn usage_exit_code(error: &clap::Error) -> ExitCode {
    let lenient = Cli::command().ignore_errors(true).try_get_matches();
    let plan = lenient.is_ok_and(|matches| matches.subcommand_name() == Some("plan"));
    match (error.use_stderr(), plan) {
        (false, _) => ExitCode::SUCCESS,
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(2),
    }
}

/// Whether the error is EPIPE: the reader of the standard output closed the pipe.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_error = error.downcast_ref::<io::Error>();
    io_error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints an error and its chain of causes, each once, on the standard error.
pub fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    let mut printed = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some libraries repeat the cause in their own message.
        if !printed.contains(&text) {
            eprintln!("  because: {text}");
        }
        printed = text;
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
