//! The objects that a watch has seen, by Architecture.

use super::{
    super::key::{ArchitectureKey, owner_key},
    position::{WatchPosition, WriteFence},
    watcher::EventSink,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::DeserializeGuard, runtime::watcher::Event};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

/// Objects by name; an error is why this version of Maquette cannot read the object.
type EntriesByName<K> = BTreeMap<String, Result<Arc<K>, String>>;

#[derive(Debug)]
struct CacheIndex<K> {
    by_key: HashMap<ArchitectureKey, EntriesByName<K>>,
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
        let entry = object.0.map(Arc::new).map_err(|invalid| invalid.error);
        if let Err(error) = &entry {
            let kind = K::kind(&());
            tracing::warn!(
                architecture = %key, object = %format!("{kind} {name}"), error,
                "object is unreadable"
            );
        }
        self.owners.insert((namespace, name.clone()), key.clone());
        self.by_key.entry(key.clone()).or_default().insert(name, entry);
        Some(key)
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

    /// The objects of one Architecture, in the order of their names.
    pub(in crate::reconcile) fn objects_of(&self, key: &ArchitectureKey) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key).into_iter().flat_map(EntriesByName::values);
        entries.filter_map(|entry| entry.as_ref().ok()).cloned().collect()
    }

    /// The object of this name, if it belongs to the Architecture.
    pub(in crate::reconcile) fn get(&self, key: &ArchitectureKey, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_key.get(key)?.get(name)?.as_ref().ok().cloned()
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
        let entry = objects.by_key.get(key)?.get(name)?;
        Some((key.clone(), entry.as_ref().ok().cloned()))
    }

    /// The objects of one Architecture that this version cannot read, each with the reason.
    pub(super) fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let entries = objects.by_key.get(key).into_iter().flatten();
        let unreadable = entries.filter_map(|(name, entry)| Some((name, entry.as_ref().err()?)));
        unreadable.map(|(name, error)| format!("{} {name}: {error}", K::kind(&()))).collect()
    }
}

/// Feeds a cache from a watch. `listing` collects the objects of a list until it is complete.
#[derive(Debug)]
pub(super) struct CacheFeed<K> {
    cache: Arc<Cache<K>>,
    listing: Vec<DeserializeGuard<K>>,
}

impl<K> CacheFeed<K> {
    pub(super) fn new(cache: &Arc<Cache<K>>) -> Self {
        Self { cache: Arc::clone(cache), listing: vec![] }
    }
}

impl<K> EventSink<DeserializeGuard<K>> for CacheFeed<K>
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
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
    fn an_unreadable_object_is_named_and_hides_no_other() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache);
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
    fn a_complete_list_passes_the_fences_of_what_it_shows() {
        let cache = Arc::<Cache<ConfigMap>>::default();
        let mut feed = CacheFeed::new(&cache);
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
