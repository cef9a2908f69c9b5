//! The configuration in force, and the requests that run under it or an older one.

use super::LoadedConfig;
use crate::runtime::lock;
use maquette_contract::Revision;
use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// The number of requests in flight, by the revision that they started under.
type RequestCounts = Arc<Mutex<BTreeMap<Revision, u32>>>;

/// A handle on the configuration in force; clones share it.
#[derive(Debug)]
pub struct ConfigHandle<S> {
    current: watch::Receiver<Arc<LoadedConfig<S>>>,
    counts: RequestCounts,
}

impl<S> Clone for ConfigHandle<S> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone(), counts: Arc::clone(&self.counts) }
    }
}

impl<S> ConfigHandle<S> {
    pub(super) fn new(current: watch::Receiver<Arc<LoadedConfig<S>>>) -> Self {
        Self { current, counts: RequestCounts::default() }
    }

    /// Starts a request. It runs under the configuration in force now, until the guard is dropped.
    pub fn begin_request(&self) -> RequestGuard<S> {
        // While `current` is borrowed, no other configuration can come into force. So the request
        // is counted before its configuration can be an older one.
        let current = self.current.borrow();
        *lock(&self.counts).entry(current.revision.clone()).or_default() += 1;
        RequestGuard { loaded: Arc::clone(&current), counts: Arc::clone(&self.counts) }
    }

    /// The configuration in force at the moment of the call.
    pub fn current(&self) -> Arc<LoadedConfig<S>> {
        Arc::clone(&self.current.borrow())
    }

    /// A receiver of changes: `changed().await`, then `borrow()`.
    pub fn subscribe(&self) -> watch::Receiver<Arc<LoadedConfig<S>>> {
        self.current.clone()
    }

    /// The number of requests in flight under any configuration.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> u32 {
        lock(&self.counts).values().sum()
    }

    /// The configuration in force, and how many requests still run under another one.
    pub fn snapshot(&self) -> (Arc<LoadedConfig<S>>, u32) {
        let current = self.current.borrow();
        let counts = lock(&self.counts);
        let others = counts.iter().filter(|(revision, _)| **revision != current.revision);
        (Arc::clone(&current), others.map(|(_, count)| count).sum())
    }
}

/// A request in flight, and the configuration that it runs under.
#[derive(Debug)]
pub struct RequestGuard<S> {
    loaded: Arc<LoadedConfig<S>>,
    counts: RequestCounts,
}

impl<S> Deref for RequestGuard<S> {
    type Target = LoadedConfig<S>;
    fn deref(&self) -> &LoadedConfig<S> {
        &self.loaded
    }
}

impl<S> Drop for RequestGuard<S> {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(&self.loaded.revision) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.loaded.revision)),
        }
    }
}
