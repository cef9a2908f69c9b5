//! Runs the backfills of whatever configuration is in force.

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

/// The backfills of a configuration.
pub(crate) struct BackfillJob<K> {
    /// Where the items come from.
    pub(crate) sources: Sources,
    /// Where the items go; none if this component owns no collection.
    pub(crate) sink: Option<Arc<K>>,
}

/// Runs the backfills of each configuration, from the beginning under each one, until the pod
/// drains. `job` reads them from the role's settings.
pub(crate) async fn run_backfills<S: RoleSettings, K: BackfillSink>(
    runtime: &Runtime<S>,
    job: impl Fn(&S) -> BackfillJob<K>,
) {
    let metrics = MigrationMetrics::new(&runtime.metrics);
    let mut configurations = runtime.config.subscribe();
    loop {
        let loaded: Arc<LoadedConfig<S>> = Arc::clone(&configurations.borrow_and_update());
        let current = job(&loaded.settings);
        metrics.update_gauges(&current.sources);
        tokio::select! {
            () = backfill_all(&current, &loaded.revision, &metrics) => {}
            changed = configurations.changed() => if changed.is_err() { return },
            () = runtime.shutdown.wait_until_draining() => return,
        }
    }
}

/// Backfills from all sources at once; never returns.
async fn backfill_all<K: BackfillSink>(
    job: &BackfillJob<K>,
    revision: &Revision,
    metrics: &MigrationMetrics,
) {
    if let Some(sink) = &job.sink {
        let incomplete = job.sources.iter().filter(|source| !source.progress.is_complete());
        join_all(incomplete.map(|source| async move {
            Backfill { source, sink: &**sink, metrics }.run_until_complete(revision).await;
            metrics.update_gauges(&job.sources);
        }))
        .await;
    }
    std::future::pending().await
}

impl<K: BackfillSink> Backfill<'_, K> {
    /// Repeats passes until one has no failure.
    async fn run_until_complete(&self, revision: &Revision) {
        let (progress, final_pass) = (&self.source.progress, self.source.final_pass);
        let from = self.source.client.edge().to();
        let mut backoff = RETRY_BACKOFF;
        tracing::info!(%from, %revision, final_pass, "backfill from the migration source started");
        while let Err(error) = self.run_pass().await {
            self.metrics.record_failure(self.source);
            let pause = backoff.next_pause();
            let (copied, retry_in_ms) = (progress.copied_items(), pause.as_millis());
            tracing::warn!(
                %from, %revision, copied, %error, retry_in_ms,
                "backfill from the migration source failed; it restarts"
            );
            sleep(pause).await;
        }
        progress.mark_complete();
        let copied = progress.copied_items();
        tracing::info!(
            %from, %revision, final_pass, copied,
            "backfill from the migration source is complete"
        );
    }
}
