//! What all reconciles share, and the Architecture of one reconcile.

use super::{
    error::ReconcileError,
    key::ArchitectureKey,
    metrics::Metrics,
    reports::{PollSchedule, ReportStore},
    state::{ReconcileState, StateStore, TakenReadings},
    watch::{
        Cache, Caches, CauseRequest, CauseSource, ForeignObjects, Installation,
        LenientArchitecture, NameReservations, Queue, RolloutSlots, SeenOwner, WriteFence,
    },
};
use crate::{
    observe::{Causes, Snapshot, is_controlled_by, is_orphan_of},
    plan::Identity,
    render::RenderSettings,
};
use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::{
    Metadata, NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use kube::{Api, Client, Resource, ResourceExt, runtime::events::Reporter};
use maquette_contract::keys::LABEL_COMPONENT;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What every reconcile of a watch scope shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) settings: RenderSettings,
    pub(super) caches: Caches,
    pub(super) foreign_objects: ForeignObjects,
    pub(super) name_reservations: NameReservations,
    pub(super) queue: Arc<Queue>,
    pub(super) states: Arc<StateStore>,
    /// To the reader of causes.
    pub(super) cause_requests: UnboundedSender<CauseRequest>,
    pub(super) reports: Arc<ReportStore>,
    pub(super) poll_schedule: Arc<PollSchedule>,
    pub(super) reporter: Reporter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) installation: Arc<Installation>,
    /// The same for all scopes.
    pub(super) rollout_slots: Arc<RolloutSlots>,
}

impl Context {
    /// Ignores every report that was requested before now from pods of the components that
    /// `is_concerned` selects.
    pub(super) fn invalidate_reports(
        &self,
        key: &ArchitectureKey,
        is_concerned: impl Fn(&str) -> bool,
    ) {
        let pods = self.caches.pods.objects_of(key);
        let concerned = pods.iter().filter(|pod| {
            pod.labels().get(LABEL_COMPONENT).is_some_and(|component| is_concerned(component))
        });
        self.reports.invalidate(key, concerned.filter_map(|pod| pod.uid()));
    }

    /// Drops what is kept of a deleted Architecture. No reconcile of a new one of the same name may
    /// be in progress.
    pub(super) fn forget_architecture(&self, key: &ArchitectureKey) {
        self.name_reservations.forget(key);
        self.states.forget(key);
        self.reports.forget(key);
        self.poll_schedule.forget(key);
        self.metrics.forget_architecture(key);
        self.installation.forget(key);
        self.rollout_slots.release(key);
    }
}

/// One Architecture in one reconcile.
pub(super) struct ReconcileContext<'a> {
    pub(super) shared: &'a Context,
    pub(super) architecture: &'a LenientArchitecture,
    pub(super) identity: Identity,
    key: ArchitectureKey,
    /// When the reconcile began, by the wall clock and by the monotonic one.
    began: (Timestamp, Instant),
}

impl<'a> ReconcileContext<'a> {
    /// # Errors
    /// When the Architecture's name cannot be the prefix of its children's names.
    pub(super) fn new(
        shared: &'a Context,
        architecture: &'a LenientArchitecture,
    ) -> Result<Self, ReconcileError> {
        let key = ArchitectureKey::from_metadata(&architecture.metadata);
        let name = key
            .name
            .parse()
            .map_err(|error| ReconcileError::InvalidIdentity(format!("{error}")))?;
        let uid = architecture.metadata.uid.clone().unwrap_or_default();
        let identity = Identity { name, namespace: key.namespace.clone(), uid };
        let began = (Timestamp::now(), Instant::now());
        Ok(Self { shared, architecture, identity, key, began })
    }

    pub(super) fn key(&self) -> &ArchitectureKey {
        &self.key
    }

    /// The time. Within a reconcile it follows the monotonic clock, as the ages of reports do.
    pub(super) fn now(&self) -> Timestamp {
        let (wall, at) = self.began;
        wall.saturating_add(at.elapsed()).unwrap_or(wall)
    }

    pub(super) fn uid(&self) -> &str {
        &self.identity.uid
    }

    pub(super) fn generation(&self) -> i64 {
        self.architecture.metadata.generation.unwrap_or_default()
    }

    /// The API of a type of objects in the Architecture's namespace.
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.shared.client.clone(), &self.key.namespace)
    }

    /// Reads or changes the state of the Architecture.
    pub(super) fn with_state<T>(&self, act: impl FnOnce(&mut ReconcileState) -> T) -> T {
        self.shared.states.with(&self.key, act)
    }

    /// Defers the next reconcile until the cache has seen this write of ours.
    pub(super) fn record_write(&self, fence: WriteFence) {
        self.with_state(|state| state.record_write(fence));
    }

    /// The cached objects of a type that the Architecture controls or may adopt.
    pub(super) fn owned_objects<K: Metadata<Ty = ObjectMeta> + Serialize + DeserializeOwned>(
        &self,
        cache: &Cache<K>,
    ) -> Vec<Arc<K>> {
        let mut objects = cache.objects_of(&self.key);
        objects.retain(|object| self.is_ours(object.metadata()));
        objects
    }

    /// Whether the Architecture controls the object or may adopt it.
    pub(super) fn is_ours(&self, metadata: &ObjectMeta) -> bool {
        is_controlled_by(metadata, self.uid()) || is_orphan_of(metadata, &self.identity)
    }

    /// The Architecture as the caches show it, with the children that others deleted since they
    /// were last seen and without those that the operator deleted.
    pub(super) fn snapshot(&self) -> Snapshot {
        let caches = &self.shared.caches;
        let mut snapshot = Snapshot {
            config_maps: self.owned_objects(&caches.config_maps),
            services: self.owned_objects(&caches.services),
            deployments: self.owned_objects(&caches.deployments),
            stateful_sets: self.owned_objects(&caches.stateful_sets),
            pods: caches.pods.objects_of(&self.key),
            claims: caches.claims.objects_of(&self.key),
            reports: self.shared.reports.reports_of(&self.key, Instant::now(), self.now()),
            causes: Causes::default(),
            is_first_poll: !self.shared.reports.has_settled(&self.key),
        };
        let owner = SeenOwner {
            key: &self.key,
            uid: self.uid(),
            config_maps: &caches.config_maps,
            services: &caches.services,
            deployments: &caches.deployments,
            stateful_sets: &caches.stateful_sets,
        };
        self.with_state(|state| state.last_seen.complete_snapshot(&mut snapshot, &owner));
        snapshot
    }

    /// [`Self::snapshot`], with the causes that were read on demand so far; and when to look again, if
    /// something waits.
    pub(super) fn explained_snapshot(&self, now: Timestamp) -> (Snapshot, Option<Duration>) {
        let mut snapshot = self.snapshot();
        let known = self.with_state(|state| state.cause_readings.look(&snapshot, now));
        if let Some(to_read) = known.to_read {
            // It fails only when the operator ends.
            let request = CauseRequest { key: self.key.clone(), to_read };
            let _ = self.shared.cause_requests.unbounded_send(request);
        }
        snapshot.causes = known.causes;
        (snapshot, known.next_look)
    }

    pub(super) fn cause_source(&self) -> CauseSource {
        CauseSource { client: self.shared.client.clone(), namespace: self.key.namespace.clone() }
    }

    /// What was read of autoscalers so far, until the result is dropped: reconciles of one
    /// Architecture do not overlap.
    pub(super) fn take_readings(&self) -> TakenReadings<'_> {
        TakenReadings::new(&self.shared.states, &self.key)
    }

    /// Records that the operator deletes this object, so that no snapshot restores it.
    pub(super) fn mark_deleted(&self, metadata: &ObjectMeta) {
        let (name, uid) = (metadata.name.as_deref().unwrap_or_default(), metadata.uid.as_ref());
        self.with_state(|state| state.last_seen.mark_deleted(name, uid));
    }

    /// Takes [`Self::mark_deleted`] back: the object stays.
    pub(super) fn unmark_deleted(&self, metadata: &ObjectMeta) {
        let uid = metadata.uid.as_deref().unwrap_or_default();
        self.with_state(|state| state.last_seen.unmark_deleted(uid));
    }
}
