//! The life of the process: from its flags to its exit code.

use crate::{
    load, peer,
    runtime::{
        ConfigDocument, ConfigError, ListenError, Options, Process, Shutdown, logs, shutdown,
    },
    service, store,
};
use maquette_contract::Role;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;

/// Why the process could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The asynchronous runtime cannot start, for want of threads or file handles.
    #[error("cannot start the runtime: {0}")]
    Start(#[from] std::io::Error),
    /// The role cannot start or go on: its own words.
    #[error("{0}")]
    Role(Box<dyn std::error::Error + Send + Sync>),
    /// Asked to stop, but not done in time.
    #[error("stopped with work still under way {0} s after being asked to")]
    DrainTimeout(u64),
}

impl RunError {
    /// The process' exit code: 78 (`EX_CONFIG` of sysexits.h) for a bad configuration, else 1.
    fn exit_code(&self) -> u8 {
        match self {
            RunError::Config(_) => 78,
            _ => 1,
        }
    }
}

/// Runs the role that the configuration names until the process is asked to stop.
pub fn run(options: Options) -> ExitCode {
    logs::start();
    match start_runtime(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the workload ends");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start_runtime(options: Options) -> Result<(), RunError> {
    let document = ConfigDocument::read(&options.config)?;
    raise_open_file_limit();
    // Two workers serve what a pod's share of a CPU allows, and every thread costs memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(run_until_stopped(options, document));
    runtime.shutdown_background();
    outcome
}

/// Every request under way is a connection or two. Container runtimes that follow systemd let a
/// process have 1024 file handles unless it asks for more, which it may.
fn raise_open_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn run_until_stopped(options: Options, document: ConfigDocument) -> Result<(), RunError> {
    let shutdown = Shutdown::new(shutdown::GRACE_PERIOD);
    shutdown.begin_on_signals()?;
    let process = Process { options, document, shutdown: shutdown.clone() };
    tokio::select! {
        outcome = run_role(process) => outcome,
        () = shutdown.wait_until_overdue() => Err(RunError::DrainTimeout(shutdown::STOP_TIMEOUT.as_secs())),
    }
}

async fn run_role(process: Process) -> Result<(), RunError> {
    match process.document.config.role() {
        Role::Service => service::run(process).await,
        Role::Store => store::run(process).await,
        Role::Load => load::run(process).await,
        Role::Peer => peer::run(process).await,
    }
}
