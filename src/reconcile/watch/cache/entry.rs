//! One object in a cache, and the objects of one Architecture.

use super::super::object::Packed;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool};

/// The objects of one Architecture, in the order of their names: a few, for which a tree takes several
/// times the memory.
#[derive(Debug)]
pub(super) struct CacheEntries<K> {
    by_name: Vec<(Arc<str>, CacheEntry<K>)>,
    /// A reconcile reads them: objects stay unpacked until it ends.
    pub(super) in_use: AtomicBool,
}

impl<K> Default for CacheEntries<K> {
    fn default() -> Self {
        Self { by_name: vec![], in_use: AtomicBool::new(false) }
    }
}

impl<K> CacheEntries<K> {
    /// The place of the name, or where it belongs.
    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|(found, _)| (**found).cmp(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&CacheEntry<K>> {
        self.place_of(name).ok().map(|place| &self.by_name[place].1)
    }

    pub(super) fn insert(&mut self, name: Arc<str>, entry: CacheEntry<K>) {
        match self.place_of(&name) {
            Ok(place) => self.by_name[place].1 = entry,
            Err(place) => {
                // Without room for more: most get no further object.
                self.by_name.reserve_exact(1);
                self.by_name.insert(place, (name, entry));
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Ok(place) = self.place_of(name) {
            self.by_name.remove(place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &CacheEntry<K>)> {
        self.by_name.iter().map(|(name, entry)| (&**name, entry))
    }
}

/// One object.
#[derive(Debug)]
pub(super) struct CacheEntry<K> {
    /// Its resource version.
    version: Option<Box<str>>,
    /// An error is why this version of Maquette cannot read the object.
    pub(super) packed: Result<Arc<Packed<K>>, String>,
    findings: Mutex<Findings<K>>,
}

/// What reconciles found out about one version of an object.
#[derive(Debug)]
pub(super) struct Findings<K> {
    pub(super) unpacked: Option<Arc<K>>,
    /// The hash of the content that the object was last found to have.
    pub(super) confirmed: Option<u64>,
}

impl<K> CacheEntry<K> {
    pub(super) fn new(version: Option<String>, packed: Result<Arc<Packed<K>>, String>) -> Self {
        let version = version.map(String::into_boxed_str);
        Self { version, packed, findings: Mutex::new(Findings { unpacked: None, confirmed: None }) }
    }

    pub(super) fn findings(&self) -> MutexGuard<'_, Findings<K>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_version(&self, metadata: &ObjectMeta) -> bool {
        self.version.is_some() && self.version.as_deref() == metadata.resource_version.as_deref()
    }
}

impl<K: DeserializeOwned> CacheEntry<K> {
    pub(super) fn read(&self, is_in_use: bool) -> Option<Arc<K>> {
        let packed = self.packed.as_ref().ok()?;
        if !is_in_use {
            return packed.unpack();
        }
        let mut findings = self.findings();
        if findings.unpacked.is_none() {
            findings.unpacked = packed.unpack();
        }
        findings.unpacked.clone()
    }
}
