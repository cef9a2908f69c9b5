//! The process from its flags to its exit code. Owns the asynchronous runtime and the choice of the
//! role; never does a role's work.

use crate::{
    load, peer,
    runtime::{ConfigDocument, Options, Process, RunError, Shutdown, logs, shutdown},
    service, store,
};
use maquette_contract::Role;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;

/// Runs the role that the configuration names until a signal stops the process.
pub fn run(options: Options) -> ExitCode {
    logs::start();
    match start_runtime(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the workload failed");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start_runtime(options: Options) -> Result<(), RunError> {
    let document = ConfigDocument::read(&options.config)?;
    raise_open_file_limit();
    // Two workers use all of a pod's share of a CPU; each further thread costs memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // For the disk: look-ups of names have threads of their own.
        .max_blocking_threads(16)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(run_until_stopped(options, document));
    runtime.shutdown_background();
    outcome
}

/// Raises the soft limit of open files to the hard limit. A request in flight holds one or two
/// connections, and container runtimes that follow systemd set a soft limit of 1024.
fn raise_open_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(
            %error, soft_limit = current,
            "cannot raise the limit of open files; requests fail once it is reached"
        );
    }
}

async fn run_until_stopped(options: Options, document: ConfigDocument) -> Result<(), RunError> {
    let shutdown = Shutdown::new(shutdown::GRACE_PERIOD);
    shutdown.begin_on_signals()?;
    let process = Process { options, document, shutdown: shutdown.clone() };
    tokio::select! {
        outcome = run_role(process) => outcome,
        () = shutdown.wait_until_overdue() => {
            Err(RunError::DrainTimeout(shutdown::STOP_TIMEOUT.as_secs()))
        }
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
