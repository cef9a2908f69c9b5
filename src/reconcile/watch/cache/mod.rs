//! The objects that a watch has seen, by Architecture.

mod entry;
mod feed;
mod index;
#[cfg(test)]
mod tests;

pub(super) use feed::CacheFeed;

use self::{entry::CacheEntries, index::CacheIndex};
use super::{
    super::key::ArchitectureKey,
    object::{Packed, Packer},
    position::{WatchPosition, WriteFence},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, PoisonError, RwLock, atomic::Ordering::SeqCst};

/// The objects of one type, by the Architecture that they belong to.
#[derive(Debug)]
pub(in crate::reconcile) struct Cache<K> {
    objects: RwLock<CacheIndex<K>>,
    position: Arc<WatchPosition>,
    packer: Packer,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: RwLock::default(), position: Arc::default(), packer: Packer::default() }
    }
}

impl<K: Resource<DynamicType = ()>> Cache<K> {
    /// The fence of one of our writes that returned `written`.
    pub(in crate::reconcile) fn write_fence(&self, written: &ObjectMeta) -> WriteFence {
        WriteFence::new(&self.position, written)
    }

    /// The objects of one Architecture that this version cannot read, each with the reason.
    pub(in crate::reconcile::watch) fn unreadable_objects(
        &self,
        key: &ArchitectureKey,
    ) -> Vec<String> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key).into_iter().flat_map(CacheEntries::iter);
        let unreadable =
            entries.filter_map(|(name, entry)| Some((name, entry.packed.as_ref().err()?)));
        unreadable.map(|(name, error)| format!("{} {name}: {error}", K::kind(&()))).collect()
    }

    /// Objects of the Architecture that are read while they are in use stay unpacked.
    pub(in crate::reconcile::watch) fn set_in_use(&self, key: &ArchitectureKey, is_in_use: bool) {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = objects.by_key.get(key) else { return };
        entries.in_use.store(is_in_use, SeqCst);
        if !is_in_use {
            for (_, entry) in entries.iter() {
                entry.findings().unpacked = None;
            }
        }
    }
}

impl<K> Cache<K> {
    /// Whether the object of this name was found to have all of the content of this hash. Each event
    /// of the object takes that back.
    pub(in crate::reconcile) fn is_confirmed(
        &self,
        key: &ArchitectureKey,
        name: &str,
        content: u64,
    ) -> bool {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entry = objects.by_key.get(key).and_then(|entries| entries.get(name));
        entry.is_some_and(|entry| entry.findings().confirmed == Some(content))
    }

    /// Records that the object with this metadata has all of the content of this hash, unless the
    /// cache has another version of it by now.
    pub(in crate::reconcile) fn confirm(
        &self,
        key: &ArchitectureKey,
        live: &ObjectMeta,
        content: u64,
    ) {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let name = live.name.as_deref().unwrap_or_default();
        let entry = objects.by_key.get(key).and_then(|entries| entries.get(name));
        if let Some(entry) = entry.filter(|entry| entry.has_version(live)) {
            entry.findings().confirmed = Some(content);
        }
    }
}

impl<K: Serialize + DeserializeOwned> Cache<K> {
    /// The packed form of `object`: the one that the cache holds, if it still has this version.
    pub(in crate::reconcile::watch) fn packed_form(
        &self,
        key: &ArchitectureKey,
        object: &K,
        metadata: &ObjectMeta,
    ) -> Option<Arc<Packed<K>>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let name = metadata.name.as_deref().unwrap_or_default();
        let entry = objects.by_key.get(key).and_then(|entries| entries.get(name));
        match entry.filter(|entry| entry.has_version(metadata)) {
            Some(entry) => entry.packed.as_ref().ok().map(Arc::clone),
            None => self.packer.pack(object).ok(),
        }
    }

    /// The objects of one Architecture, in the order of their names.
    pub(in crate::reconcile) fn objects_of(&self, key: &ArchitectureKey) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = objects.by_key.get(key) else { return vec![] };
        let is_in_use = entries.in_use.load(SeqCst);
        entries.iter().filter_map(|(_, entry)| entry.read(is_in_use)).collect()
    }

    /// The object of this name, if it belongs to the Architecture.
    pub(in crate::reconcile) fn get(&self, key: &ArchitectureKey, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key)?;
        entries.get(name)?.read(entries.in_use.load(SeqCst))
    }

    /// The Architecture that the object of this name belongs to, and the object if this version can
    /// read it.
    pub(in crate::reconcile) fn holder_of(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<(ArchitectureKey, Option<Arc<K>>)> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let key = objects.owners.get(namespace)?.get(name)?;
        let entries = objects.by_key.get(key)?;
        let object = entries.get(name)?.read(entries.in_use.load(SeqCst));
        Some((ArchitectureKey::clone(key), object))
    }
}
