//! What every reconcile of a scope shares.

use super::{
    caches::Caches, key::ArchitectureKey, metrics::Metrics, poll::PollSchedule, queue::Queue,
    reports::Reports, state::StateStore,
};
use crate::render::RenderSettings;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, ResourceExt, runtime::events::Recorder};
use maquette_contract::keys::LABEL_COMPONENT;
use std::sync::Arc;

/// What every reconcile of a scope shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) settings: RenderSettings,
    pub(super) caches: Caches,
    pub(super) queue: Arc<Queue>,
    pub(super) states: StateStore,
    pub(super) reports: Arc<Reports>,
    pub(super) poll_schedule: Arc<PollSchedule>,
    pub(super) recorder: Recorder,
    pub(super) metrics: Arc<Metrics>,
}

impl Context {
    /// Lets no report of these components' pods count that was asked for before now.
    pub(super) fn invalidate_reports(
        &self,
        key: &ArchitectureKey,
        component: impl Fn(&str) -> bool,
    ) {
        let pods = self.caches.pods.objects_of(key);
        let told =
            |pod: &&Arc<Pod>| pod.labels().get(LABEL_COMPONENT).is_some_and(|name| component(name));
        self.reports.invalidate(key, pods.iter().filter(told).filter_map(|pod| pod.uid()));
    }

    /// Forgets an Architecture that is no more.
    pub(super) fn forget_architecture(&self, key: &ArchitectureKey) {
        self.queue.mark_started(key);
        // Another of the same name may have come since the queue looked it up.
        if self.caches.architectures.get(&key.object_ref()).is_some() {
            self.queue.push(key.clone());
        }
        self.states.forget(key);
        self.reports.forget(key);
        self.poll_schedule.forget(key);
        self.metrics.evolutions.forget(key);
    }
}
