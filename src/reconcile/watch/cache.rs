//! The objects that a watch has seen, by Architecture.

use super::{
    super::key::{ArchitectureKey, owner_key},
    object::Packed,
    position::{WatchPosition, WriteFence},
    watcher::EventSink,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::DeserializeGuard, runtime::watcher::Event};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// The objects of one Architecture.
#[derive(Debug)]
struct CacheEntries<K> {
    by_name: BTreeMap<String, CacheEntry<K>>,
    /// A reconcile reads them: objects stay unpacked until it ends.
    in_use: AtomicBool,
}

impl<K> Default for CacheEntries<K> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), in_use: AtomicBool::new(false) }
    }
}

/// One object.
#[derive(Debug)]
struct CacheEntry<K> {
    /// An error is why this version of Maquette cannot read the object.
    packed: Result<Packed<K>, String>,
    unpacked: Mutex<Option<Arc<K>>>,
}

impl<K: Serialize + DeserializeOwned> CacheEntry<K> {
    fn read(&self, is_in_use: bool) -> Option<Arc<K>> {
        let packed = self.packed.as_ref().ok()?;
        if !is_in_use {
            return packed.unpack();
        }
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if unpacked.is_none() {
            *unpacked = packed.unpack();
        }
        unpacked.clone()
    }
}

/// An object of an event, before it is in the cache.
#[derive(Debug)]
struct IncomingObject<K> {
    key: ArchitectureKey,
    namespaced_name: (String, String),
    packed: Result<Packed<K>, String>,
}

impl<K> IncomingObject<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
{
    /// None if the object belongs to no Architecture.
    fn new(object: DeserializeGuard<K>, trim: fn(&mut K)) -> Option<Self> {
        let key = owner_key(object.meta())?;
        let namespaced_name = namespaced_name(object.meta());
        let packed = object.0.map_err(|invalid| invalid.error).and_then(|mut object| {
            trim(&mut object);
            Packed::new(&object)
        });
        if let Err(error) = &packed {
            let object = format!("{} {}", K::kind(&()), namespaced_name.1);
            tracing::warn!(architecture = %key, object, error, "object is unreadable");
        }
        Some(Self { key, namespaced_name, packed })
    }
}

#[derive(Debug)]
struct CacheIndex<K> {
    by_key: HashMap<ArchitectureKey, CacheEntries<K>>,
    /// The Architecture that each object is listed under, by namespace and name.
    owners: HashMap<(String, String), ArchitectureKey>,
}

impl<K> Default for CacheIndex<K> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), owners: HashMap::new() }
    }
}

impl<K: Resource<DynamicType = ()>> CacheIndex<K> {
    fn remove(&mut self, metadata: &ObjectMeta) -> Option<ArchitectureKey> {
        let (namespace, name) = namespaced_name(metadata);
        let key = self.owners.remove(&(namespace, name.clone()))?;
        if let Some(objects) = self.by_key.get_mut(&key) {
            objects.by_name.remove(&name);
            if objects.by_name.is_empty() {
                self.by_key.remove(&key);
            }
        }
        Some(key)
    }

    fn insert(&mut self, object: IncomingObject<K>) -> ArchitectureKey {
        let IncomingObject { key, namespaced_name, packed } = object;
        let entry = CacheEntry { packed, unpacked: Mutex::new(None) };
        let entries = self.by_key.entry(key.clone()).or_default();
        entries.by_name.insert(namespaced_name.1.clone(), entry);
        self.owners.insert(namespaced_name, key.clone());
        key
    }
}

fn namespaced_name(metadata: &ObjectMeta) -> (String, String) {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

/// The objects of one type, by the Architecture that they belong to.
#[derive(Debug)]
pub(in crate::reconcile) struct Cache<K> {
    objects: RwLock<CacheIndex<K>>,
    position: Arc<WatchPosition>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: RwLock::default(), position: Arc::default() }
    }
}

impl<K: Resource<DynamicType = ()>> Cache<K> {
    /// The fence of one of our writes that returned `written`.
    pub(in crate::reconcile) fn write_fence(&self, written: &ObjectMeta) -> WriteFence {
        WriteFence::new(&self.position, written)
    }

    /// The objects of one Architecture that this version cannot read, each with the reason.
    pub(super) fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key).into_iter().flat_map(|entries| &entries.by_name);
        let unreadable =
            entries.filter_map(|(name, entry)| Some((name, entry.packed.as_ref().err()?)));
        unreadable.map(|(name, error)| format!("{} {name}: {error}", K::kind(&()))).collect()
    }

    /// Objects of the Architecture that are read while they are in use stay unpacked.
    pub(super) fn set_in_use(&self, key: &ArchitectureKey, is_in_use: bool) {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = objects.by_key.get(key) else { return };
        entries.in_use.store(is_in_use, SeqCst);
        if !is_in_use {
            for entry in entries.by_name.values() {
                *entry.unpacked.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
    }
}

impl<K: Serialize + DeserializeOwned> Cache<K> {
    /// The objects of one Architecture, in the order of their names.
    pub(in crate::reconcile) fn objects_of(&self, key: &ArchitectureKey) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = objects.by_key.get(key) else { return vec![] };
        let is_in_use = entries.in_use.load(SeqCst);
        entries.by_name.values().filter_map(|entry| entry.read(is_in_use)).collect()
    }

    /// The object of this name, if it belongs to the Architecture.
    pub(in crate::reconcile) fn get(&self, key: &ArchitectureKey, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key)?;
        entries.by_name.get(name)?.read(entries.in_use.load(SeqCst))
    }

    /// The Architecture that the object of this name belongs to, and the object if this version can
    /// read it.
    pub(in crate::reconcile) fn holder_of(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<(ArchitectureKey, Option<Arc<K>>)> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let key = objects.owners.get(&(namespace.to_owned(), name.to_owned()))?;
        let entries = objects.by_key.get(key)?;
        let object = entries.by_name.get(name)?.read(entries.in_use.load(SeqCst));
        Some((key.clone(), object))
    }
}

/// Feeds a cache from a watch. `listing` collects the objects of a list until it is complete.
#[derive(Debug)]
pub(super) struct CacheFeed<K> {
    cache: Arc<Cache<K>>,
    /// Removes what no reconcile reads.
    trim: fn(&mut K),
    listing: Vec<IncomingObject<K>>,
}

impl<K> CacheFeed<K> {
    pub(super) fn new(cache: &Arc<Cache<K>>, trim: fn(&mut K)) -> Self {
        Self { cache: Arc::clone(cache), trim, listing: vec![] }
    }
}

impl<K> EventSink<DeserializeGuard<K>> for CacheFeed<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn apply_event(&mut self, event: Event<DeserializeGuard<K>>) -> Vec<ArchitectureKey> {
        // The position moves while no reader can see the objects: they change together.
        let mut objects = self.cache.objects.write().unwrap_or_else(PoisonError::into_inner);
        self.cache.position.record_event(&event);
        match event {
            Event::Init => {
                self.listing = vec![];
                vec![]
            }
            Event::InitApply(object) => {
                self.listing.extend(IncomingObject::new(object, self.trim));
                vec![]
            }
            Event::InitDone => {
                let before = std::mem::take(&mut *objects);
                for object in std::mem::take(&mut self.listing) {
                    objects.insert(object);
                }
                let now = objects.by_key.keys().cloned();
                before.by_key.keys().cloned().chain(now).collect()
            }
            Event::Apply(object) => {
                let before = objects.remove(object.meta());
                let now = IncomingObject::new(object, self.trim).map(|new| objects.insert(new));
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

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::{Value, json};

    fn object(name: &str, version: u32, data: Value) -> DeserializeGuard<ConfigMap> {
        let metadata = json!({
            "name": name, "namespace": "default", "resourceVersion": version.to_string(),
            "labels": {"maquette.dev/architecture": "shop"},
        });
        serde_json::from_value(json!({"metadata": metadata, "data": data})).unwrap()
    }

    fn key() -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() }
    }

    fn names(cache: &Cache<ConfigMap>) -> Vec<String> {
        cache.objects_of(&key()).iter().filter_map(|object| object.metadata.name.clone()).collect()
    }

    #[test]
    fn an_unreadable_object_is_named_and_hides_no_other() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache, |_| {});
        feed.apply_event(Event::Init);
        feed.apply_event(Event::InitApply(object("good", 1, json!({"a": "b"}))));
        feed.apply_event(Event::InitApply(object("bad", 2, json!("no map"))));
        assert_eq!(feed.apply_event(Event::InitDone), [key()]);
        assert_eq!(names(&cache), ["good"]);
        let unreadable = cache.unreadable_objects(&key());
        assert!(unreadable[0].starts_with("ConfigMap bad: "), "{unreadable:?}");
        // A readable object becomes unreadable, and the reverse.
        assert_eq!(feed.apply_event(Event::Apply(object("good", 3, json!(5)))), [key()]);
        assert_eq!(feed.apply_event(Event::Apply(object("bad", 4, json!({})))), [key()]);
        assert_eq!(names(&cache), ["bad"]);
        assert_eq!(cache.get(&key(), "good"), None);
        assert_eq!(feed.apply_event(Event::Delete(object("good", 5, json!(5)))), [key()]);
        assert_eq!(cache.unreadable_objects(&key()), [""; 0]);
    }

    #[test]
    fn an_object_is_unpacked_once_while_it_is_in_use() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache, |object| object.metadata.generation = None);
        feed.apply_event(Event::Apply(object("a", 1, json!({"a": "b"}))));
        let read = || cache.get(&key(), "a").unwrap();
        assert!(!Arc::ptr_eq(&read(), &read()));
        cache.set_in_use(&key(), true);
        let first = read();
        assert!(Arc::ptr_eq(&first, &cache.objects_of(&key())[0]));
        feed.apply_event(Event::Apply(object("a", 2, json!({"a": "c"}))));
        assert_ne!(first, read(), "an event replaces it");
        cache.set_in_use(&key(), false);
        assert!(!Arc::ptr_eq(&read(), &read()));
    }

    #[test]
    fn a_complete_list_passes_the_fences_of_what_it_shows() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache, |_| {});
        feed.apply_event(Event::Init);
        let written = object("a", 7, json!({}));
        let fence = cache.write_fence(written.meta());
        feed.apply_event(Event::InitApply(written));
        assert!(!fence.is_passed(), "the list is not complete");
        feed.apply_event(Event::InitDone);
        assert!(fence.is_passed());
        let later = cache.write_fence(object("b", 8, json!({})).meta());
        feed.apply_event(Event::Init);
        feed.apply_event(Event::InitDone);
        assert!(later.is_passed(), "a list that began after the write shows it, or it is gone");
    }
}
