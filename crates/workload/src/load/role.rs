//! The load as a role of the workload, from its configuration to its graceful stop.

use super::{generator, metrics::LoadMetrics, settings::LoadSettings};
use crate::runtime::{Process, RunError, Runtime};
use std::{sync::Arc, thread};
use tokio::sync::oneshot;

/// The stack of the thread of the virtual users, in bytes.
const STACK_BYTES: usize = 1 << 20;

/// Waits for the first answer of a target, then runs the virtual users until a stop is requested,
/// and then waits for the requests in flight.
///
/// # Errors
/// If the configuration is not valid, the admin port is taken, or no thread can be started.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::<LoadSettings>::start(process).await?;
    let running = runtime.readiness.add_condition("running", "the load has not started yet");
    let metrics = Arc::new(LoadMetrics::new(&runtime.metrics));
    let reported = Arc::clone(&metrics);
    runtime.set_reporter(move |report| report.load = Some(reported.observation()));
    let exported = Arc::clone(&metrics);
    runtime.set_histogram_log(move || exported.histogram_log());
    running.mark_met();
    let (ended, end) = oneshot::channel();
    thread::Builder::new().name("virtual-users".to_owned()).stack_size(STACK_BYTES).spawn(
        move || {
            // No receiver is left if the process ends: then nobody needs the outcome.
            let _ = ended.send(generator::run_blocking(&runtime, &metrics));
        },
    )?;
    match end.await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(RunError::Role("the thread of the virtual users has ended".into())),
    }
}
