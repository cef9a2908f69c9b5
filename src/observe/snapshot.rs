//! The cached objects and the pods' reports of one Architecture at one moment.

use super::Causes;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service},
    },
    jiff::{SignedDuration, Timestamp},
};
use maquette_contract::Observations;
use std::{collections::BTreeMap, sync::Arc};

/// How long a pod's report counts. An older one is ignored.
pub const REPORT_TTL: SignedDuration = SignedDuration::from_secs(30);

/// The objects of one Architecture as they are cached, and what its pods reported. Deployments,
/// StatefulSets, Services and ConfigMaps are those that the Architecture owns.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// One per component: its configuration.
    pub config_maps: Vec<Arc<ConfigMap>>,
    /// The Services of the components, and the entry.
    pub services: Vec<Arc<Service>>,
    /// The workloads of services and of the load.
    pub deployments: Vec<Arc<Deployment>>,
    /// The workloads of stores and of the peers.
    pub stateful_sets: Vec<Arc<StatefulSet>>,
    /// Every pod with the Architecture's label.
    pub pods: Vec<Arc<Pod>>,
    /// Every volume claim with the Architecture's label.
    pub claims: Vec<Arc<PersistentVolumeClaim>>,
    /// The report of each pod, by the pod's UID.
    pub reports: BTreeMap<String, PodReport>,
    /// What was read on demand because something waits.
    pub causes: Causes,
}

/// The newest report of a pod, and the last attempt to read one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodReport {
    /// The newest report and when it was received.
    pub latest: Option<(Timestamp, Observations)>,
    /// Why the last attempt to read a report failed, if it did.
    pub failure: Option<String>,
}

impl PodReport {
    /// The newest report, if it is at most [`REPORT_TTL`] old at `now`.
    pub fn fresh_at(&self, now: Timestamp) -> Option<&Observations> {
        let (received, observations) = self.latest.as_ref()?;
        (now.duration_since(*received) <= REPORT_TTL).then_some(observations)
    }
}
