//! One watch: its own task, back-off and health.

use super::{
    super::key::ArchitectureKey, health::WatchHealth, managed_fields::strip_managed_fields,
    queue::Queue,
};
use futures::StreamExt;
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt, watcher, watcher::Config},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};

/// Stores the events of a watch.
pub(super) trait EventSink<K>: Send + 'static {
    /// Returns the Architectures that the event concerns.
    fn apply_event(&mut self, event: watcher::Event<K>) -> Vec<ArchitectureKey>;
}

/// Watches without end: feeds `sink` and queues the Architectures that its events concern.
pub(super) async fn run_watch<K>(
    api: Api<K>,
    config: Config,
    mut sink: impl EventSink<K>,
    queue: Arc<Queue>,
    health: Arc<WatchHealth>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                health.record_ok();
                let stripped = event.modify(strip_managed_fields);
                sink.apply_event(stripped).into_iter().for_each(|key| queue.push(key));
            }
            Err(error) => {
                health.record_failure();
                tracing::warn!(
                    resource = health.resource_name(), %error, "watch failed; trying again"
                );
            }
        }
    }
}
