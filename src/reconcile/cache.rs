//! What a watch has seen: objects by Architecture, and how far the watch has come.

use super::key::{ArchitectureKey, owner_key};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::DeserializeGuard, runtime::watcher::Event};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// How far a watch has come, to tell whether it has seen a write.
#[derive(Debug, Default)]
pub(super) struct WatchPosition {
    newest_version: AtomicU64,
    /// The newest object of the list that is under way.
    newest_listed_version: AtomicU64,
    lists_started: AtomicU64,
    lists_completed: AtomicU64,
    initial_list_done: AtomicBool,
}

impl WatchPosition {
    /// Notes an event of the watch, after the cache took it.
    pub(super) fn record_event<K: Resource>(&self, event: &Event<K>) {
        match event {
            Event::Init => {
                self.lists_started.fetch_add(1, SeqCst);
                self.newest_listed_version.store(0, SeqCst);
            }
            Event::InitApply(object) => {
                self.newest_listed_version.fetch_max(resource_version(object.meta()), SeqCst);
            }
            Event::InitDone => {
                // A list is of one moment: with one object it has all that is older.
                self.newest_version.fetch_max(self.newest_listed_version.load(SeqCst), SeqCst);
                self.lists_completed.store(self.lists_started.load(SeqCst), SeqCst);
                self.initial_list_done.store(true, SeqCst);
            }
            Event::Apply(object) | Event::Delete(object) => {
                self.newest_version.fetch_max(resource_version(object.meta()), SeqCst);
            }
        }
    }

    /// Whether the first list is complete.
    pub(super) fn listed(&self) -> bool {
        self.initial_list_done.load(SeqCst)
    }
}

/// The resource version as the number that it is: the API promises that those of one resource
/// grow. 0 if there is none.
fn resource_version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// One of our own writes, and how to tell that a watch has seen it: it has come to the version
/// that the write gave, or has completed a list that began after the write.
#[derive(Clone, Debug)]
pub(super) struct WriteFence {
    position: Arc<WatchPosition>,
    version: u64,
    lists_started: u64,
}

impl WriteFence {
    /// The mark of a write that `written` is the outcome of.
    pub(super) fn new(progress: &Arc<WatchPosition>, written: &ObjectMeta) -> Self {
        let lists_started = progress.lists_started.load(SeqCst);
        Self { position: Arc::clone(progress), version: resource_version(written), lists_started }
    }

    /// Whether the watch has seen the write.
    pub(super) fn is_passed(&self) -> bool {
        self.position.newest_version.load(SeqCst) >= self.version
            || self.position.lists_completed.load(SeqCst) > self.lists_started
    }
}

/// Objects by name; of one that this version cannot read, why not.
type EntriesByName<K> = BTreeMap<String, Result<Arc<K>, String>>;

#[derive(Debug)]
struct CacheIndex<K> {
    by_key: HashMap<ArchitectureKey, EntriesByName<K>>,
    /// Under which Architecture each object stands, by namespace and name.
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
            objects.remove(&name);
            if objects.is_empty() {
                self.by_key.remove(&key);
            }
        }
        Some(key)
    }

    fn insert(&mut self, object: DeserializeGuard<K>) -> Option<ArchitectureKey> {
        let key = owner_key(object.meta())?;
        let (namespace, name) = namespaced_name(object.meta());
        let object = object.0.map(Arc::new).map_err(|invalid| invalid.error);
        if let Err(error) = &object {
            let kind = K::kind(&());
            tracing::warn!(architecture = %key, object = %format!("{kind} {name}"), error, "cannot be read");
        }
        self.owners.insert((namespace, name.clone()), key.clone());
        self.by_key.entry(key.clone()).or_default().insert(name, object);
        Some(key)
    }
}

fn namespaced_name(metadata: &ObjectMeta) -> (String, String) {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

/// The objects of one kind, each under the Architecture that it belongs to.
#[derive(Debug)]
pub(super) struct Cache<K> {
    objects: RwLock<CacheIndex<K>>,
    position: Arc<WatchPosition>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: RwLock::default(), position: Arc::default() }
    }
}

impl<K: Resource<DynamicType = ()>> Cache<K> {
    /// How far the watch behind this cache has come.
    pub(super) fn progress(&self) -> &Arc<WatchPosition> {
        &self.position
    }

    /// The objects of one Architecture, in the order of their names.
    pub(super) fn objects_of(&self, key: &ArchitectureKey) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let found = objects.by_key.get(key).into_iter().flat_map(EntriesByName::values);
        found.filter_map(|object| object.as_ref().ok()).cloned().collect()
    }

    /// The object of this name, if it belongs to the Architecture.
    pub(super) fn get(&self, key: &ArchitectureKey, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_key.get(key)?.get(name)?.as_ref().ok().cloned()
    }

    /// The objects of one Architecture that this version cannot read, each with the reason.
    pub(super) fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let found = objects.by_key.get(key).into_iter().flatten();
        let unreadable = found.filter_map(|(name, object)| Some((name, object.as_ref().err()?)));
        unreadable.map(|(name, error)| format!("{} {name}: {error}", K::kind(&()))).collect()
    }
}

/// Feeds a cache from a watch. `listing` collects the objects of a list until it is complete.
#[derive(Debug)]
pub(super) struct CacheFeed<K> {
    cache: Arc<Cache<K>>,
    listing: Vec<DeserializeGuard<K>>,
}

impl<K: Resource<DynamicType = ()>> CacheFeed<K> {
    pub(super) fn new(cache: &Arc<Cache<K>>) -> Self {
        Self { cache: Arc::clone(cache), listing: vec![] }
    }

    /// Takes an event; returns the Architectures that it concerns.
    pub(super) fn apply_event(
        &mut self,
        event: Event<DeserializeGuard<K>>,
    ) -> Vec<ArchitectureKey> {
        let mut objects = self.cache.objects.write().unwrap_or_else(PoisonError::into_inner);
        self.cache.position.record_event(&event);
        match event {
            Event::Init => {
                self.listing = vec![];
                vec![]
            }
            Event::InitApply(object) => {
                self.listing.push(object);
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
                let now = objects.insert(object);
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
    fn an_object_that_cannot_be_read_hides_no_other_and_is_named() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache);
        feed.apply_event(Event::Init);
        feed.apply_event(Event::InitApply(object("good", 1, json!({"a": "b"}))));
        feed.apply_event(Event::InitApply(object("bad", 2, json!("no map"))));
        assert_eq!(feed.apply_event(Event::InitDone), [key()]);
        assert_eq!(names(&cache), ["good"]);
        let unreadable = cache.unreadable_objects(&key());
        assert!(unreadable[0].starts_with("ConfigMap bad: "), "{unreadable:?}");
        // One that could be read, and then cannot; and the other way about.
        assert_eq!(feed.apply_event(Event::Apply(object("good", 3, json!(5)))), [key()]);
        assert_eq!(feed.apply_event(Event::Apply(object("bad", 4, json!({})))), [key()]);
        assert_eq!(names(&cache), ["bad"]);
        assert_eq!(cache.get(&key(), "good"), None);
        assert_eq!(feed.apply_event(Event::Delete(object("good", 5, json!(5)))), [key()]);
        assert_eq!(cache.unreadable_objects(&key()), [""; 0]);
    }

    #[test]
    fn a_list_that_holds_a_write_has_seen_it_although_it_began_before() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache);
        feed.apply_event(Event::Init);
        let written = object("a", 7, json!({}));
        let mark = WriteFence::new(cache.progress(), written.meta());
        feed.apply_event(Event::InitApply(written));
        assert!(!mark.is_passed(), "the list is not complete");
        feed.apply_event(Event::InitDone);
        assert!(mark.is_passed());
        let later = WriteFence::new(cache.progress(), object("b", 8, json!({})).meta());
        feed.apply_event(Event::Init);
        feed.apply_event(Event::InitDone);
        assert!(later.is_passed(), "a list that began after it has it, or it is gone");
    }
}
