//! Feeds a cache from a watch.

use super::{
    super::{super::key::ArchitectureKey, object::LenientObject, watcher::EventSink},
    Cache,
    index::IncomingObject,
};
use kube::{Resource, runtime::watcher::Event};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, PoisonError};

/// Feeds a cache from a watch. `listing` collects the objects of a list until it is complete.
#[derive(Debug)]
pub(in crate::reconcile::watch) struct CacheFeed<K> {
    cache: Arc<Cache<K>>,
    /// Removes what no reconcile reads.
    trim: fn(&mut K),
    listing: Vec<IncomingObject<K>>,
}

impl<K> CacheFeed<K> {
    pub(in crate::reconcile::watch) fn new(cache: &Arc<Cache<K>>, trim: fn(&mut K)) -> Self {
        Self { cache: Arc::clone(cache), trim, listing: vec![] }
    }
}

impl<K> EventSink<LenientObject<K>> for CacheFeed<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn apply_event(&mut self, event: Event<LenientObject<K>>) -> Vec<ArchitectureKey> {
        // The position moves while no reader can see the objects: they change together.
        let packer = &self.cache.packer;
        let mut objects = self.cache.objects.write().unwrap_or_else(PoisonError::into_inner);
        self.cache.position.record_event(&event);
        match event {
            Event::Init => {
                self.listing = vec![];
                vec![]
            }
            Event::InitApply(object) => {
                self.listing.extend(IncomingObject::new(object, self.trim, packer));
                vec![]
            }
            Event::InitDone => {
                let before = std::mem::take(&mut *objects);
                for object in std::mem::take(&mut self.listing) {
                    objects.insert(object);
                }
                let keys = before.by_key.keys().chain(objects.by_key.keys());
                keys.map(|key| ArchitectureKey::clone(key)).collect()
            }
            Event::Apply(object) => {
                let before = objects.remove(object.meta());
                let now =
                    IncomingObject::new(object, self.trim, packer).map(|new| objects.insert(new));
                before
                    .filter(|before| Some(before) != now.as_ref())
                    .into_iter()
                    .chain(now)
                    .collect()
            }
            Event::Delete(object) => objects.remove(object.meta()).into_iter().collect(),
        }
    }
}
