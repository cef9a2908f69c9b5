//! The graceful stop.
//!
//! After a stop request the process is a lame duck for a grace period: it reports that it is not
//! ready and closes each connection after a response, but still serves, while its address is
//! withdrawn from endpoints. Then it drains: it accepts no more connections and finishes the
//! requests in flight.

use std::{io, process, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};

/// The time as a lame duck: kube-proxy and DNS caches withdraw the pod's address within it.
pub const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// The longest time from the stop request to the end of the process. Kubernetes kills after 30 s.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// The stages of a process, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutdownStage {
    /// In service, until the stop request.
    Serving,
    /// Not ready any more, but serves while traffic moves to other pods.
    LameDuck,
    /// Accepts nothing new and finishes the requests in flight.
    Draining,
}

impl ShutdownStage {
    /// True if this is the first stop request.
    fn end_service(&mut self) -> bool {
        let serving = *self == Self::Serving;
        if serving {
            *self = Self::LameDuck;
        }
        serving
    }
}

/// The stage of the process; clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: watch::Sender<ShutdownStage>,
    grace: Duration,
}

impl Shutdown {
    /// A process in service, which after a stop request waits for `grace` before it drains.
    pub fn new(grace: Duration) -> Self {
        Self { stage: watch::Sender::new(ShutdownStage::Serving), grace }
    }

    /// The stage at the moment of the call.
    pub fn stage(&self) -> ShutdownStage {
        *self.stage.borrow()
    }

    /// Requests the stop. A second request changes nothing.
    pub fn begin(&self) {
        if self.stage.send_if_modified(ShutdownStage::end_service) {
            let (stage, grace) = (self.stage.clone(), self.grace);
            tokio::spawn(async move {
                sleep(grace).await;
                stage.send_replace(ShutdownStage::Draining);
            });
        }
    }

    /// Requests the stop at SIGTERM or SIGINT; a second signal ends the process at once.
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
            tracing::info!(signal, grace_seconds = shutdown.grace.as_secs(), "stopping");
            shutdown.begin();
            let signal = next().await;
            tracing::warn!(signal, "second stop signal: exiting at once");
            process::exit(128 + signal);
        });
        Ok(())
    }

    /// Resolves once a stop is requested.
    pub async fn wait_until_requested(&self) {
        self.wait_for_stage(ShutdownStage::LameDuck).await;
    }

    /// Resolves once nothing new may be accepted.
    pub async fn wait_until_draining(&self) {
        self.wait_for_stage(ShutdownStage::Draining).await;
    }

    /// Resolves [`STOP_TIMEOUT`] after the stop is requested.
    pub async fn wait_until_overdue(&self) {
        self.wait_until_requested().await;
        sleep(STOP_TIMEOUT).await;
    }

    async fn wait_for_stage(&self, least: ShutdownStage) {
        let mut stage = self.stage.subscribe();
        // The only error is that all senders are dropped, and `self` holds one.
        let _ = stage.wait_for(|stage| *stage >= least).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn serves_for_the_grace_period_and_then_drains() {
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
