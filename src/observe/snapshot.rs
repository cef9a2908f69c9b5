//! What is known of one Architecture at one moment.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service},
    },
    jiff::Timestamp,
};
use maquette_contract::Observations;
use std::{collections::BTreeMap, sync::Arc};

use super::REPORT_TTL;

/// The objects of one Architecture as they are cached, and what its pods reported. Deployments,
/// StatefulSets, Services and ConfigMaps are those that the Architecture owns.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Each component's configuration.
    pub config_maps: Vec<Arc<ConfigMap>>,
    /// Each component's, and the entry.
    pub services: Vec<Arc<Service>>,
    /// Of services and the load.
    pub deployments: Vec<Arc<Deployment>>,
    /// Of stores and peers.
    pub stateful_sets: Vec<Arc<StatefulSet>>,
    /// Every pod.
    pub pods: Vec<Arc<Pod>>,
    /// Every volume claim.
    pub claims: Vec<Arc<PersistentVolumeClaim>>,
    /// What is known of each pod's report, by the pod's UID.
    pub reports: BTreeMap<String, PodReport>,
}

/// What is known of a pod's report of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodReport {
    /// The newest report and when it was received.
    pub latest: Option<(Timestamp, Observations)>,
    /// Why the last attempt to read one failed, if it did.
    pub failure: Option<String>,
}

impl PodReport {
    /// The newest report, if it is fresh at `now`.
    pub fn fresh_at(&self, now: Timestamp) -> Option<&Observations> {
        let (received, observations) = self.latest.as_ref()?;
        (now.duration_since(*received) <= REPORT_TTL).then_some(observations)
    }
}
