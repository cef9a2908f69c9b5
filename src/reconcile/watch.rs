//! One watch: its own task, its own back-off, its own signs of life.

use super::{cache::CacheFeed, health::WatchHealth, key::ArchitectureKey, queue::Queue};
use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{
    Api, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{WatchStreamExt, watcher, watcher::Config},
};
use maquette_contract::keys::FIELD_MANAGER;
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};

/// What happens with the events of a watch.
pub(super) trait EventSink<K>: Send + 'static {
    /// Takes an event; returns the Architectures that it concerns.
    fn apply_event(&mut self, event: watcher::Event<K>) -> Vec<ArchitectureKey>;
}

impl<K> EventSink<DeserializeGuard<K>> for CacheFeed<K>
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
{
    fn apply_event(&mut self, event: watcher::Event<DeserializeGuard<K>>) -> Vec<ArchitectureKey> {
        CacheFeed::apply_event(self, event)
    }
}

/// Watches for ever: feeds `sink` and names on `queue` every Architecture that something happened
/// to.
pub(super) async fn run_watch<K>(
    api: Api<K>,
    config: Config,
    mut sink: impl EventSink<K>,
    queue: Arc<Queue>,
    pulse: Arc<WatchHealth>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                pulse.record_ok();
                sink.apply_event(event.modify(strip_managed_fields))
                    .into_iter()
                    .for_each(|key| queue.push(key));
            }
            Err(error) => {
                pulse.record_failure();
                tracing::warn!(resource = pulse.name(), %error, "watch failed; trying again");
            }
        }
    }
}

/// Drops what nobody reads. Of the managed fields only the mark stays of a write of ours that was
/// no apply, see [`was_created_by_us`].
fn strip_managed_fields<K: Resource>(object: &mut K) {
    let managed = object.managed_fields_mut();
    managed.retain(is_create_entry);
    for entry in managed {
        entry.fields_v1 = None;
    }
}

/// Whether this is the entry of a create of ours.
pub(super) fn is_create_entry(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Update")
        && entry.subresource.is_none()
}

/// Whether fields still belong to our create and not to an apply: then an apply would not remove
/// what is no longer in it.
pub(super) fn has_create_fields(object: &impl Resource) -> bool {
    object.managed_fields().iter().any(is_create_entry)
}
