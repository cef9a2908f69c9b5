//! The conditions of an Architecture: one small function each, and the table that lists them.

mod accepted;
mod overlay_connected;
mod progressing;
mod ready;
mod traffic_flowing;

use super::{RunningTopology, component::Availability, status::Facts, traffic::UserTraffic};
use crate::{
    api::{ArchitectureStatus, EdgeStatus},
    plan::Component,
};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

/// Everything that a condition may look at.
pub(super) struct Assessment<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) running: &'a RunningTopology,
    /// Every component that should run, and whether it is available.
    pub(super) components: Vec<(&'a Component, Availability)>,
    pub(super) edges: Vec<EdgeStatus>,
    pub(super) traffic: UserTraffic,
    pub(super) now: Timestamp,
}

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl ConditionStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Why a condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The specification is one that can run.
    Accepted,
    /// The specification is not one that can run.
    Refused,
    /// The specification or a part is there that this version of Maquette cannot read.
    Unreadable,
    /// All is as it should be.
    AllWorks,
    /// An object of a name that is needed is somebody else's.
    Conflict,
    /// The API server would not take an object.
    ApplyFailed,
    /// Something of an earlier Architecture of the same name has not gone yet.
    WaitingForRemoval,
    /// Not every component has all of its pods as they should be.
    ComponentsNotReady,
    /// The entry Service does not lead to the component that is to answer users.
    EntryBroken,
    /// An edge fails.
    EdgesFailing,
    /// Nobody has told of late whether an edge works.
    EdgesUnknown,
    /// Requests of users fail.
    RequestsFailing,
    /// What runs is still being led to what is wanted.
    Evolving,
    /// Volumes are being made larger.
    VolumesGrowing,
    /// Volumes stay as they are, because they cannot be as they are wanted.
    VolumesUnchanged,
    /// What is wanted cannot be reached from what runs.
    Blocked,
    /// A change waits for pods that cannot get ready by themselves.
    PodsNotReady,
    /// Peers do not see each other.
    PeersMissing,
    /// What runs is what is wanted.
    UpToDate,
    /// Requests of users are answered.
    RequestsSucceed,
    /// An acknowledged write was lost since the load started.
    WritesLost,
    /// There are no requests.
    NoTraffic,
    /// Nobody has reported of late.
    NotReported,
    /// Every peer sees every other.
    AllPeersSeen,
}

/// What a condition says.
pub(super) struct ConditionState {
    pub(super) status: ConditionStatus,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl ConditionState {
    fn new(status: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }
}

/// Names of the conditions.
pub mod condition_types {
    /// Whether the specification is one that can run.
    pub const ACCEPTED: &str = "Accepted";
    /// Whether the whole works: every component available, every edge working, users served. Without a
    /// load and without users it rests on the probes that cross every edge every few seconds, and
    /// on what the entry Service says: that its selector and port lead to a ready pod of the component
    /// that is to answer. That the cluster's proxies do as it says only requests can prove.
    pub const READY: &str = "Ready";
    /// Whether what runs is still being led to what is wanted.
    pub const PROGRESSING: &str = "Progressing";
    /// Whether users' requests are answered, and no write that was acknowledged to them is lost.
    pub const TRAFFIC_FLOWING: &str = "TrafficFlowing";
    /// Whether every peer sees every other. Only where there are peers.
    pub const OVERLAY_CONNECTED: &str = "OverlayConnected";
}

type Evaluator = fn(&Assessment<'_>) -> Option<ConditionState>;

/// Every condition and the function that decides it; none where it has no meaning.
const CONDITIONS: [(&str, Evaluator); 5] = [
    (condition_types::ACCEPTED, |view| Some(accepted::evaluate(view))),
    (condition_types::READY, |view| Some(ready::evaluate(view))),
    (condition_types::PROGRESSING, |view| Some(progressing::evaluate(view))),
    (condition_types::TRAFFIC_FLOWING, |view| Some(traffic_flowing::evaluate(view))),
    (condition_types::OVERLAY_CONNECTED, overlay_connected::evaluate),
];

/// All conditions. The time of a transition changes only with the condition's status.
pub(super) fn all_conditions(
    view: &Assessment<'_>,
    previous: Option<&ArchitectureStatus>,
) -> Vec<Condition> {
    let before = previous.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let judged = CONDITIONS.iter().filter_map(|(type_, judge)| Some((*type_, judge(view)?)));
    judged.map(|(type_, verdict)| build_condition(type_, verdict, view, before)).collect()
}

fn build_condition(
    type_: &str,
    verdict: ConditionState,
    view: &Assessment<'_>,
    before: &[Condition],
) -> Condition {
    let status = verdict.status.as_str();
    let same = before.iter().find(|old| old.type_ == type_ && old.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: format!("{:?}", verdict.reason),
        message: verdict.message,
        observed_generation: Some(view.facts.generation),
        last_transition_time: same.map_or(Time(view.now), |old| old.last_transition_time.clone()),
    }
}
