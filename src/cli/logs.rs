//! Logging of all commands: always to the standard error, so that the standard output can be piped.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// The format of a line of the log.
    #[arg(long, global = true, env = "MAQUETTE_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    /// What to log: a level (error, warn, info, debug, trace), or levels by module such as
    /// `info,maquette=debug`.
    #[arg(
        long,
        global = true,
        env = "MAQUETTE_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    log: EnvFilter,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// A readable line, in color on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogArgs {
    /// Starts logging for the whole process. Call it once, before anything logs.
    pub fn set_up(&self) {
        let logs = tracing_subscriber::fmt()
            .with_env_filter(self.log.clone())
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => {
                logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init()
            }
            LogFormat::Json => logs.json().flatten_event(true).init(),
        }
    }
}
