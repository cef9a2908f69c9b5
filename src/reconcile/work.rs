//! The work on one Architecture: who it is, what is known of it, and what has been done.

use super::{
    cache::{Cache, Mark},
    context::Context,
    error::{Error, Failure},
    found::Found,
    key::{ArchitectureKey, is_controlled_by},
};
use crate::{
    api::VolumeStatus,
    observe::{Issue, Snapshot, VolumeNote},
    plan::Identity,
};
use k8s_openapi::{
    Metadata, NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Resource};
use maquette_contract::ComponentName;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The work on one Architecture.
pub(super) struct Work<'a> {
    pub(super) cx: &'a Context,
    pub(super) architecture: &'a Found,
    pub(super) identity: Identity,
    key: ArchitectureKey,
}

impl<'a> Work<'a> {
    /// # Errors
    /// When the Architecture has no name that its children could have.
    pub(super) fn new(cx: &'a Context, architecture: &'a Found) -> Result<Self, Error> {
        let key = ArchitectureKey::of(&architecture.metadata);
        let name = key.name.parse().map_err(|error| Error::NoIdentity(format!("{error}")))?;
        let uid = architecture.metadata.uid.clone().unwrap_or_default();
        let identity = Identity { name, namespace: key.namespace.clone(), uid };
        Ok(Self { cx, architecture, identity, key })
    }

    pub(super) fn key(&self) -> &ArchitectureKey {
        &self.key
    }

    pub(super) fn uid(&self) -> &str {
        &self.identity.uid
    }

    /// `metadata.generation`.
    pub(super) fn generation(&self) -> i64 {
        self.architecture.metadata.generation.unwrap_or_default()
    }

    /// The objects of a kind in the Architecture's namespace.
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.cx.client.clone(), &self.key.namespace)
    }

    /// Remembers a write, so that no cache that is behind it is acted upon.
    pub(super) fn wrote(&self, mark: Mark) {
        self.cx.memories.with(&self.key, |memory| memory.wrote(mark));
    }

    /// The cached objects of a kind that the Architecture owns.
    pub(super) fn owned<K: Metadata<Ty = ObjectMeta>>(&self, cache: &Cache<K>) -> Vec<Arc<K>> {
        let mut objects = cache.of(&self.key);
        objects.retain(|object| is_controlled_by(object.metadata(), self.uid()));
        objects
    }

    /// What is known of the Architecture now, with what somebody deleted since it was last seen.
    pub(super) fn snapshot(&self) -> Snapshot {
        let caches = &self.cx.caches;
        let mut snapshot = Snapshot {
            config_maps: self.owned(&caches.config_maps),
            services: self.owned(&caches.services),
            deployments: self.owned(&caches.deployments),
            stateful_sets: self.owned(&caches.stateful_sets),
            pods: caches.pods.of(&self.key),
            claims: caches.claims.of(&self.key),
            reports: self.cx.reports.of(&self.key),
        };
        let uid = self.uid();
        self.cx.memories.with(&self.key, |memory| memory.children.complete(&mut snapshot, uid));
        snapshot
    }

    /// Remembers that this is deleted now, so that nobody takes it for a loss.
    pub(super) fn deletes(&self, metadata: &ObjectMeta) {
        let (name, uid) = (metadata.name.as_deref().unwrap_or_default(), metadata.uid.as_ref());
        self.cx.memories.with(&self.key, |memory| memory.children.forget(name, uid));
    }

    /// Remembers that this is not deleted, whatever was meant before.
    pub(super) fn keeps(&self, metadata: &ObjectMeta) {
        let uid = metadata.uid.as_deref().unwrap_or_default();
        self.cx.memories.with(&self.key, |memory| memory.children.stays(uid));
    }
}

/// What the work came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What is wanted cannot be reached from what runs: nothing of that may go.
    pub(super) stays: bool,
    /// Components whose workload or configuration was written.
    pub(super) changing: BTreeSet<ComponentName>,
    /// StatefulSets that wait for their claims.
    pub(super) held: BTreeSet<String>,
    /// What keeps the work from being whole.
    pub(super) issues: Vec<Issue>,
    /// What is left for later, for a person to read.
    pub(super) waits: Vec<String>,
    /// Volumes that no component uses any more.
    pub(super) volumes: Vec<VolumeStatus>,
    /// Volumes that are not as they are wanted.
    pub(super) volume_notes: Vec<VolumeNote>,
    /// When to look again, if nothing happens before.
    pub(super) again: Option<Duration>,
}

impl Outcome {
    /// Takes the outcome of one call: the trouble, if that is all that failed.
    pub(super) fn take<T>(&mut self, result: Result<T, Failure>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Trouble(trouble)) => {
                self.issues.push(trouble);
                Ok(None)
            }
            Err(Failure::Unreachable(error)) => Err(Error::Unreachable(error)),
        }
    }

    /// Whether what is not wanted may go now.
    pub(super) fn may_remove(&self) -> bool {
        !self.stays && self.issues.is_empty()
    }

    /// Looks again after `wait` at the latest.
    pub(super) fn again(&mut self, wait: Duration) {
        self.again = Some(self.again.map_or(wait, |again| again.min(wait)));
    }
}
