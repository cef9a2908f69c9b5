//! The objects of one type by the Architecture that they belong to, and by name.

use super::{
    super::{
        super::key::{ArchitectureKey, owner_key},
        object::{LenientObject, Packer},
    },
    entry::{CacheEntries, CacheEntry},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashMap, sync::Arc};

/// An object of an event, before it is in the cache.
#[derive(Debug)]
pub(super) struct IncomingObject<K> {
    key: ArchitectureKey,
    namespace: String,
    name: Arc<str>,
    entry: CacheEntry<K>,
}

impl<K> IncomingObject<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
{
    /// None if the object belongs to no Architecture.
    pub(super) fn new(object: LenientObject<K>, trim: fn(&mut K), packer: &Packer) -> Option<Self> {
        let metadata = object.meta();
        let key = owner_key(metadata)?;
        let (namespace, name) = namespaced_name(metadata);
        let (namespace, name) = (namespace.to_owned(), Arc::from(name));
        let version = metadata.resource_version.clone();
        let packed = object.0.map_err(|unreadable| unreadable.error).and_then(|mut object| {
            trim(&mut object);
            packer.pack(&object)
        });
        if let Err(error) = &packed {
            let object = format!("{} {name}", K::kind(&()));
            tracing::warn!(architecture = %key, object, error, "object is unreadable");
        }
        Some(Self { key, namespace, name, entry: CacheEntry::new(version, packed) })
    }
}

#[derive(Debug)]
pub(super) struct CacheIndex<K> {
    pub(super) by_key: HashMap<Arc<ArchitectureKey>, CacheEntries<K>>,
    /// The Architecture that each object is listed under, by namespace and name.
    pub(super) owners: HashMap<String, HashMap<Arc<str>, Arc<ArchitectureKey>>>,
}

impl<K> Default for CacheIndex<K> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), owners: HashMap::new() }
    }
}

impl<K: Resource<DynamicType = ()>> CacheIndex<K> {
    pub(super) fn remove(&mut self, metadata: &ObjectMeta) -> Option<ArchitectureKey> {
        let (namespace, name) = namespaced_name(metadata);
        let names = self.owners.get_mut(namespace)?;
        let key = names.remove(name)?;
        if names.is_empty() {
            self.owners.remove(namespace);
        }
        if let Some(objects) = self.by_key.get_mut(&key) {
            objects.remove(name);
            if objects.is_empty() {
                self.by_key.remove(&key);
            }
        }
        Some(ArchitectureKey::clone(&key))
    }

    pub(super) fn insert(&mut self, object: IncomingObject<K>) -> ArchitectureKey {
        let IncomingObject { key, namespace, name, entry } = object;
        let shared = match self.by_key.get_key_value(&key) {
            Some((shared, _)) => Arc::clone(shared),
            None => Arc::new(key.clone()),
        };
        let entries = self.by_key.entry(Arc::clone(&shared)).or_default();
        entries.insert(Arc::clone(&name), entry);
        self.owners.entry(namespace).or_default().insert(name, shared);
        key
    }
}

fn namespaced_name(metadata: &ObjectMeta) -> (&str, &str) {
    (
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}
