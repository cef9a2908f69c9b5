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
use tokio::runtime::Builder;

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
    let runtime = runtime_builder(document.config.role())
        // For the disk: look-ups of names have threads of their own.
        .max_blocking_threads(16)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()?;
    // On the thread of the other tasks: a wake-up of another thread costs more than many requests.
    let running = runtime.spawn(run_until_stopped(options, document));
    let outcome = runtime.block_on(running).unwrap_or_else(|error| {
        let reason = format!("the task of the role has ended: {error}");
        Err(RunError::Role(reason.into()))
    });
    runtime.shutdown_background();
    outcome
}

/// One thread for all requests. A pod has one CPU unless its resources say otherwise, and two threads
/// that wake each other for each request cost about as much as the requests.
fn runtime_builder(role: Role) -> Builder {
    match role {
        Role::Service | Role::Load => Builder::new_current_thread(),
        // Where a read waits for the disk, another thread takes over the other tasks: see
        // `storage::file`.
        Role::Store | Role::Peer => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(1);
            builder
        }
    }
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
