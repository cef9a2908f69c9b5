//! The copies from the origins of whatever configuration is in force.

use super::{
    Sources,
    backfill::{Backfill, BackfillSink},
    metrics::MigrationMetrics,
};
use crate::runtime::{LoadedConfig, RoleSettings, Runtime};
use futures_util::future::join_all;
use maquette_contract::Revision;
use maquette_http_client::Backoff;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// The pauses after a pass that failed.
const RETRY_BACKOFF: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));

/// What is to be copied: from where, and to where.
pub(crate) struct BackfillJob<H> {
    /// The origins.
    pub(crate) sources: Sources,
    /// Where the items go; none if this component owns no collection.
    pub(crate) sink: Option<Arc<H>>,
}

/// Copies what each configuration names, from the beginning under each one, until the pod drains.
/// `job` gives that part of the role's settings.
pub(crate) async fn run_backfills<S: RoleSettings, H: BackfillSink>(
    runtime: &Runtime<S>,
    job: impl Fn(&S) -> BackfillJob<H>,
) {
    let meters = MigrationMetrics::new(&runtime.metrics);
    let mut configurations = runtime.config.subscribe();
    loop {
        let loaded: Arc<LoadedConfig<S>> = Arc::clone(&configurations.borrow_and_update());
        let job = job(&loaded.settings);
        meters.update_gauges(&job.sources);
        tokio::select! {
            () = backfill_all(&job, &loaded.revision, &meters) => {}
            changed = configurations.changed() => if changed.is_err() { return },
            () = runtime.shutdown.wait_until_draining() => return,
        }
    }
}

/// Copies from all origins at once; never ends by itself.
async fn backfill_all<H: BackfillSink>(
    job: &BackfillJob<H>,
    revision: &Revision,
    meters: &MigrationMetrics,
) {
    if let Some(to) = &job.sink {
        let incomplete = job.sources.0.iter().filter(|origin| !origin.progress.is_complete());
        join_all(incomplete.map(|origin| async move {
            Backfill { source: origin, sink: &**to, metrics: meters }
                .run_until_complete(revision)
                .await;
            meters.update_gauges(&job.sources);
        }))
        .await;
    }
    std::future::pending().await
}

impl<H: BackfillSink> Backfill<'_, H> {
    /// Makes passes until one of them fails in nothing.
    async fn run_until_complete(&self, revision: &Revision) {
        let (progress, last) = (&self.source.progress, self.source.final_pass);
        let from = self.source.client.edge().to();
        let mut backoff = RETRY_BACKOFF;
        tracing::info!(%from, %revision, last, "copying from the old home begins");
        while let Err(failure) = self.run_pass().await {
            self.metrics.failed(self.source);
            let pause = backoff.next_pause();
            let (reason, next_in_ms) = (failure.message, pause.as_millis());
            let copied = progress.copied();
            tracing::warn!(%from, %revision, copied, reason, next_in_ms, "copying failed; again");
            sleep(pause).await;
        }
        progress.complete();
        let copied = progress.copied();
        tracing::info!(%from, %revision, last, copied, "everything in the old home was copied");
    }
}
