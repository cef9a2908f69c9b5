//! The cached objects and the pods' reports of one Architecture at one moment.

pub(in crate::observe) mod causes;

use causes::Causes;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service},
    },
    jiff::{SignedDuration, Timestamp},
};
use maquette_contract::Observations;
use std::{collections::BTreeMap, sync::Arc};

/// How long a report counts of a pod that is polled in every round, and as a proof for a change. An
/// older one is ignored. Longer than three of the slowest rounds, 10 s apart.
pub const REPORT_TTL: SignedDuration = SignedDuration::from_secs(30);
/// How long a report counts of a pod that is polled in turn with others while the Architecture is
/// ready: the longest time between two polls, and [`REPORT_TTL`].
const ROTATING_REPORT_TTL: SignedDuration = SignedDuration::from_secs(ROTATION_SECONDS + 30);
/// The longest time between two polls of a pod.
pub const ROTATION_SECONDS: i64 = 60;

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
    /// Whether the operator has only begun to poll these pods: that a report is missing says nothing
    /// of its pod.
    pub is_first_poll: bool,
}

/// The newest report of a pod, and the last attempt to read one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodReport {
    /// The newest report and when it was received.
    pub latest: Option<(Timestamp, Observations)>,
    /// Why the last attempt to read a report failed, if it did.
    pub failure: Option<String>,
    /// Whether the pod is polled in turn with others while the Architecture is ready.
    pub is_rotating: bool,
    /// Whether the operator has only begun to poll: until the report comes, the previous status
    /// counts.
    pub is_awaited: bool,
}

impl PodReport {
    /// The newest report, if it is at most [`REPORT_TTL`] old at `now`: a proof for a change.
    pub fn fresh_at(&self, now: Timestamp) -> Option<&Observations> {
        self.within(REPORT_TTL, now)
    }

    /// The newest report, if it counts at `now` for the status: until the pod should have been
    /// polled again.
    pub fn standing_at(&self, now: Timestamp) -> Option<&Observations> {
        self.within(self.ttl(), now)
    }

    /// How long a report of this pod counts for the status.
    pub fn ttl(&self) -> SignedDuration {
        if self.is_rotating { ROTATING_REPORT_TTL } else { REPORT_TTL }
    }

    fn within(&self, ttl: SignedDuration, now: Timestamp) -> Option<&Observations> {
        let (received, observations) = self.latest.as_ref()?;
        (now.duration_since(*received) <= ttl).then_some(observations)
    }
}
