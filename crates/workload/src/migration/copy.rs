//! The copies from the origins of whatever configuration is in force.

use super::{
    Origins,
    meters::Meters,
    pass::{Copy, Destination},
};
use crate::runtime::{Loaded, Runtime, Settings};
use futures_util::future::join_all;
use maquette_contract::Revision;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// The first and the longest pause after a pass that failed.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// What is to be copied: from where, and to where.
pub(crate) struct Job<H> {
    /// The origins.
    pub(crate) origins: Origins,
    /// Where the items go; none if this component owns no collection.
    pub(crate) to: Option<Arc<H>>,
}

/// Copies what each configuration names, from the beginning under each one, until the pod drains.
/// `job` gives that part of the role's settings.
pub(crate) async fn follow<S: Settings, H: Destination>(
    runtime: &Runtime<S>,
    job: impl Fn(&S) -> Job<H>,
) {
    let meters = Meters::new(&runtime.metrics);
    let mut configurations = runtime.config.follow();
    loop {
        let loaded: Arc<Loaded<S>> = Arc::clone(&configurations.borrow_and_update());
        let job = job(&loaded.settings);
        meters.follow(&job.origins);
        tokio::select! {
            () = copy_all(&job, &loaded.revision, &meters) => {}
            changed = configurations.changed() => if changed.is_err() { return },
            () = runtime.shutdown.draining() => return,
        }
    }
}

/// Copies from all origins at once; never ends by itself.
async fn copy_all<H: Destination>(job: &Job<H>, revision: &Revision, meters: &Meters) {
    if let Some(to) = &job.to {
        let incomplete = job.origins.0.iter().filter(|origin| !origin.progress.is_complete());
        join_all(incomplete.map(|origin| async move {
            Copy { origin, to: &**to, meters }.run(revision).await;
            meters.follow(&job.origins);
        }))
        .await;
    }
    std::future::pending().await
}

impl<H: Destination> Copy<'_, H> {
    /// Makes passes until one of them fails in nothing.
    async fn run(&self, revision: &Revision) {
        let (progress, last) = (&self.origin.progress, self.origin.last);
        let from = self.origin.old.edge().to();
        let mut pause = BACKOFF.0;
        tracing::info!(%from, %revision, last, "copying from the old home begins");
        while let Err(failure) = self.pass().await {
            self.meters.failed(self.origin);
            let (reason, next_in_ms) = (failure.message, pause.as_millis());
            let copied = progress.copied();
            tracing::warn!(%from, %revision, copied, reason, next_in_ms, "copying failed; again");
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
        progress.complete();
        let copied = progress.copied();
        tracing::info!(%from, %revision, last, copied, "everything in the old home was copied");
    }
}
