//! The work on one Architecture: who it is, what is known of it, and what has been done.

use super::{
    cache::{Cache, WriteFence},
    context::Context,
    error::{ApplyError, ReconcileError},
    key::{ArchitectureKey, is_controlled_by},
    lenient::LenientArchitecture,
};
use crate::{
    api::VolumeStatus,
    observe::{ApplyOutcome, Issue, Snapshot, VolumeNote},
    plan::Identity,
};
use k8s_openapi::{
    Metadata, NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Resource};
use maquette_contract::ComponentName;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The work on one Architecture.
pub(super) struct ReconcileContext<'a> {
    pub(super) shared: &'a Context,
    pub(super) architecture: &'a LenientArchitecture,
    pub(super) identity: Identity,
    key: ArchitectureKey,
}

impl<'a> ReconcileContext<'a> {
    /// # Errors
    /// When the Architecture has no name that its children could have.
    pub(super) fn new(
        cx: &'a Context,
        architecture: &'a LenientArchitecture,
    ) -> Result<Self, ReconcileError> {
        let key = ArchitectureKey::from_metadata(&architecture.metadata);
        let name = key
            .name
            .parse()
            .map_err(|error| ReconcileError::InvalidIdentity(format!("{error}")))?;
        let uid = architecture.metadata.uid.clone().unwrap_or_default();
        let identity = Identity { name, namespace: key.namespace.clone(), uid };
        Ok(Self { shared: cx, architecture, identity, key })
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
        Api::namespaced(self.shared.client.clone(), &self.key.namespace)
    }

    /// Remembers a write, so that no cache that is behind it is acted upon.
    pub(super) fn record_write(&self, mark: WriteFence) {
        self.shared.states.with(&self.key, |memory| memory.record_write(mark));
    }

    /// The cached objects of a kind that the Architecture owns.
    pub(super) fn owned_objects<K: Metadata<Ty = ObjectMeta>>(
        &self,
        cache: &Cache<K>,
    ) -> Vec<Arc<K>> {
        let mut objects = cache.objects_of(&self.key);
        objects.retain(|object| is_controlled_by(object.metadata(), self.uid()));
        objects
    }

    /// What is known of the Architecture now, with what somebody deleted since it was last seen.
    pub(super) fn snapshot(&self) -> Snapshot {
        let caches = &self.shared.caches;
        let mut snapshot = Snapshot {
            config_maps: self.owned_objects(&caches.config_maps),
            services: self.owned_objects(&caches.services),
            deployments: self.owned_objects(&caches.deployments),
            stateful_sets: self.owned_objects(&caches.stateful_sets),
            pods: caches.pods.objects_of(&self.key),
            claims: caches.claims.objects_of(&self.key),
            reports: self.shared.reports.reports_of(&self.key),
        };
        let uid = self.uid();
        self.shared
            .states
            .with(&self.key, |memory| memory.last_seen.complete_snapshot(&mut snapshot, uid));
        snapshot
    }

    /// Remembers that this is deleted now, so that nobody takes it for a loss.
    pub(super) fn mark_deleted(&self, metadata: &ObjectMeta) {
        let (name, uid) = (metadata.name.as_deref().unwrap_or_default(), metadata.uid.as_ref());
        self.shared.states.with(&self.key, |memory| memory.last_seen.mark_deleted(name, uid));
    }

    /// Remembers that this is not deleted, whatever was meant before.
    pub(super) fn unmark_deleted(&self, metadata: &ObjectMeta) {
        let uid = metadata.uid.as_deref().unwrap_or_default();
        self.shared.states.with(&self.key, |memory| memory.last_seen.unmark_deleted(uid));
    }
}

/// What the work came to.
#[derive(Debug, Default)]
pub(super) struct ReconcileOutcome {
    /// What is wanted cannot be reached from what runs: nothing of that may go.
    pub(super) unreachable: bool,
    /// Components whose workload or configuration was written.
    pub(super) changing: BTreeSet<ComponentName>,
    /// StatefulSets that wait for their claims.
    pub(super) held_sets: BTreeSet<String>,
    /// What keeps the work from being whole.
    pub(super) issues: Vec<Issue>,
    /// What is left for later, for a person to read.
    pub(super) waits: Vec<String>,
    /// Volumes that no component uses any more.
    pub(super) volumes: Vec<VolumeStatus>,
    /// Volumes that are not as they are wanted.
    pub(super) volume_notes: Vec<VolumeNote>,
    /// When to look again, if nothing happens before.
    pub(super) requeue_after: Option<Duration>,
}

impl ReconcileOutcome {
    /// The part that the status follows from.
    pub(super) fn applied(&self) -> ApplyOutcome {
        ApplyOutcome {
            changing: self.changing.clone(),
            issues: self.issues.clone(),
            waits: self.waits.clone(),
            volumes: self.volumes.clone(),
            volume_notes: self.volume_notes.clone(),
        }
    }

    /// Takes the outcome of one call: the trouble, if that is all that failed.
    pub(super) fn record_result<T>(
        &mut self,
        result: Result<T, ApplyError>,
    ) -> Result<Option<T>, ReconcileError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(ApplyError::Issue(trouble)) => {
                self.issues.push(trouble);
                Ok(None)
            }
            Err(ApplyError::Unreachable(error)) => Err(ReconcileError::Unreachable(error)),
        }
    }

    /// Whether what is not wanted may go now.
    pub(super) fn can_delete(&self) -> bool {
        !self.unreachable && self.issues.is_empty()
    }

    /// Looks again after `wait` at the latest.
    pub(super) fn again(&mut self, wait: Duration) {
        self.requeue_after = Some(self.requeue_after.map_or(wait, |again| again.min(wait)));
    }
}
