//! The graceful stop.
//!
//! Asked to stop, a pod leaves: it says that it is not ready and that connections end, but serves
//! on while everybody who has its address learns to go elsewhere. Then it drains: no connection is
//! accepted any more, and what is under way is finished.

use std::{io, process, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};

/// How long a pod that leaves goes on serving: what endpoints need to be withdrawn everywhere.
pub const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// How long after the request to stop the process ends at the latest. Kubernetes kills after 30 s.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutdownStage {
    /// In service.
    Serving,
    /// Asked to stop; serves while traffic goes elsewhere.
    LameDuck,
    /// Finishes what is under way.
    Draining,
}

/// The stage of the process; clones are the same.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: watch::Sender<ShutdownStage>,
    grace: Duration,
}

impl Shutdown {
    /// A process in service that will leave for `grace` before it drains.
    pub fn new(grace: Duration) -> Self {
        Self { stage: watch::Sender::new(ShutdownStage::Serving), grace }
    }

    /// The stage now.
    pub fn stage(&self) -> ShutdownStage {
        *self.stage.borrow()
    }

    /// Asks the process to stop. Asking again changes nothing.
    pub fn begin(&self) {
        let serving = |stage: &mut ShutdownStage| {
            let serving = *stage == ShutdownStage::Serving;
            *stage = (*stage).max(ShutdownStage::LameDuck);
            serving
        };
        if self.stage.send_if_modified(serving) {
            let (stage, grace) = (self.stage.clone(), self.grace);
            tokio::spawn(async move {
                sleep(grace).await;
                stage.send_replace(ShutdownStage::Draining);
            });
        }
    }

    /// Begins at SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// # Errors
    /// If the system refuses a signal handler.
    pub fn begin_on_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => 15,
                    _ = interrupt.recv() => 2,
                }
            };
            let signal = next().await;
            tracing::info!(signal, grace_seconds = shutdown.grace.as_secs(), "leaving");
            shutdown.begin();
            let signal = next().await;
            tracing::warn!(signal, "asked to stop again: ending at once");
            process::exit(128 + signal);
        });
        Ok(())
    }

    /// Ends when the process has been asked to stop.
    pub async fn wait_until_requested(&self) {
        self.wait_for_stage(ShutdownStage::LameDuck).await;
    }

    /// Ends when nothing new is to be accepted any more.
    pub async fn wait_until_draining(&self) {
        self.wait_for_stage(ShutdownStage::Draining).await;
    }

    /// Ends [`LIMIT`] after the process has been asked to stop.
    pub async fn wait_until_overdue(&self) {
        self.wait_until_requested().await;
        sleep(STOP_TIMEOUT).await;
    }

    async fn wait_for_stage(&self, least: ShutdownStage) {
        let mut stage = self.stage.subscribe();
        // The only error is that no sender is left, and this is one.
        let _ = stage.wait_for(|stage| *stage >= least).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn leaves_for_the_grace_period_and_then_drains() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        assert_eq!(shutdown.stage(), ShutdownStage::Serving);
        shutdown.begin();
        let start = tokio::time::Instant::now();
        shutdown.wait_until_requested().await;
        assert_eq!(shutdown.stage(), ShutdownStage::LameDuck);
        shutdown.begin();
        shutdown.wait_until_draining().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
