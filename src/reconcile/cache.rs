//! What a watch has seen: objects by Architecture, and how far the watch has come.

use super::key::{ArchitectureKey, owner_key};
use k8s_openapi::{Metadata, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Resource, runtime::watcher::Event};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// How far a watch has come, to tell whether it has seen a write.
#[derive(Debug, Default)]
pub(super) struct Progress {
    newest: AtomicU64,
    lists_begun: AtomicU64,
    lists_done: AtomicU64,
    listed: AtomicBool,
}

impl Progress {
    /// Notes an event of the watch, after the cache took it.
    pub(super) fn note<K: Resource>(&self, event: &Event<K>) {
        match event {
            Event::Init => {
                self.lists_begun.fetch_add(1, SeqCst);
            }
            Event::InitApply(_) => {}
            Event::InitDone => {
                self.lists_done.store(self.lists_begun.load(SeqCst), SeqCst);
                self.listed.store(true, SeqCst);
            }
            Event::Apply(object) | Event::Delete(object) => {
                self.newest.fetch_max(version(object.meta()), SeqCst);
            }
        }
    }

    /// Whether the first list is complete.
    pub(super) fn listed(&self) -> bool {
        self.listed.load(SeqCst)
    }
}

/// The resource version as the number that it is: the API promises that those of one resource
/// grow. 0 if there is none.
fn version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// One of our own writes, and how to tell that a watch has seen it: it has come to the version
/// that the write gave, or has completed a list that began after the write.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    progress: Arc<Progress>,
    version: u64,
    lists_begun: u64,
}

impl Mark {
    /// The mark of a write that `written` is the outcome of.
    pub(super) fn new(progress: &Arc<Progress>, written: &ObjectMeta) -> Self {
        let lists_begun = progress.lists_begun.load(SeqCst);
        Self { progress: Arc::clone(progress), version: version(written), lists_begun }
    }

    /// Whether the watch has seen the write.
    pub(super) fn seen(&self) -> bool {
        self.progress.newest.load(SeqCst) >= self.version
            || self.progress.lists_done.load(SeqCst) > self.lists_begun
    }
}

type ByName<K> = BTreeMap<String, Arc<K>>;

#[derive(Debug)]
struct Objects<K> {
    by_key: HashMap<ArchitectureKey, ByName<K>>,
    /// Under which Architecture each object stands, by namespace and name.
    place: HashMap<(String, String), ArchitectureKey>,
}

impl<K> Default for Objects<K> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), place: HashMap::new() }
    }
}

impl<K: Metadata<Ty = ObjectMeta>> Objects<K> {
    fn remove(&mut self, metadata: &ObjectMeta) -> Option<ArchitectureKey> {
        let (namespace, name) = id(metadata);
        let key = self.place.remove(&(namespace, name.clone()))?;
        if let Some(objects) = self.by_key.get_mut(&key) {
            objects.remove(&name);
            if objects.is_empty() {
                self.by_key.remove(&key);
            }
        }
        Some(key)
    }

    fn insert(&mut self, object: Arc<K>) -> Option<ArchitectureKey> {
        let key = owner_key(object.metadata())?;
        let (namespace, name) = id(object.metadata());
        self.place.insert((namespace, name.clone()), key.clone());
        self.by_key.entry(key.clone()).or_default().insert(name, object);
        Some(key)
    }
}

fn id(metadata: &ObjectMeta) -> (String, String) {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

/// The objects of one kind, each under the Architecture that it belongs to.
#[derive(Debug)]
pub(super) struct Cache<K> {
    objects: RwLock<Objects<K>>,
    progress: Arc<Progress>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: RwLock::default(), progress: Arc::default() }
    }
}

impl<K: Metadata<Ty = ObjectMeta>> Cache<K> {
    /// How far the watch behind this cache has come.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// The objects of one Architecture, in the order of their names.
    pub(super) fn of(&self, key: &ArchitectureKey) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_key.get(key).map(|found| found.values().cloned().collect()).unwrap_or_default()
    }

    /// The object of this name, if it belongs to the Architecture.
    pub(super) fn get(&self, key: &ArchitectureKey, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_key.get(key)?.get(name).cloned()
    }
}

/// Feeds a cache from a watch. `listing` collects the objects of a list until it is complete.
#[derive(Debug)]
pub(super) struct Feed<K> {
    cache: Arc<Cache<K>>,
    listing: Vec<K>,
}

impl<K: Metadata<Ty = ObjectMeta> + Resource> Feed<K> {
    pub(super) fn new(cache: &Arc<Cache<K>>) -> Self {
        Self { cache: Arc::clone(cache), listing: vec![] }
    }

    /// Takes an event; returns the Architectures that it concerns.
    pub(super) fn take(&mut self, event: Event<K>) -> Vec<ArchitectureKey> {
        let mut objects = self.cache.objects.write().unwrap_or_else(PoisonError::into_inner);
        self.cache.progress.note(&event);
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
                    objects.insert(Arc::new(object));
                }
                let now = objects.by_key.keys().cloned();
                before.by_key.keys().cloned().chain(now).collect()
            }
            Event::Apply(object) => {
                let before = objects.remove(object.metadata());
                let now = objects.insert(Arc::new(object));
                before
                    .filter(|before| Some(before) != now.as_ref())
                    .into_iter()
                    .chain(now)
                    .collect()
            }
            Event::Delete(object) => objects.remove(object.metadata()).into_iter().collect(),
        }
    }
}
