//! The status of an Architecture: the components that run, the edges between them and their state.
//!
//! Owns the types and their descriptions. It never decides a value: that is `observe`'s.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use maquette_contract::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::Shape;

/// `status.observedGeneration` of an Architecture that no operator has seen.
pub(super) const UNOBSERVED_GENERATION: i64 = -1;

/// The state of the model when the operator last observed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchitectureStatus {
    /// The `metadata.generation` that this status describes; -1 until the operator has observed the
    /// Architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The installation of the operator that builds the Architecture, as the namespace and name of
    /// its Lease; absent if that operator runs without leader election.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The shape that serves the end users. During a change of shape it differs from `spec.shape`
    /// until the step `Cutover` is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// The change in progress; absent if the running model is up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evolution: Option<EvolutionStatus>,
    /// The URL of the entry Service, which accepts requests from end users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Available components / all components, such as `5/5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components_ready: Option<String>,
    /// `Accepted`: the specification can run. `Ready`: every component is available, every edge
    /// works and users are served. `Progressing`: the running model is being changed to match the
    /// specification. `TrafficFlowing`: users' requests are answered. `OverlayConnected`, for
    /// peers only: every peer sees every other. `Reconciling` and `Stalled` exist only while they
    /// are true: `Reconciling` as long as the operator works on the specification, `Stalled` when
    /// it cannot go on until a user fixes the cause. So do `VolumePressure`, when a volume is full or
    /// nearly so, and `ItemsDamaged`, when items cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The components, each with its number of ready pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub components: Vec<ComponentStatus>,
    /// The edges between components, each with its state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["from", "to"]))]
    pub edges: Vec<EdgeStatus>,
    /// Volumes with items that no component uses any more, and whether they are kept or deleted. A
    /// volume that a component uses again is not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub volumes: Vec<VolumeStatus>,
}

/// A change in progress. The model serves requests during all steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvolutionStatus {
    /// The shape before the change. Equal to `to` if only settings of a shape change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Shape>,
    /// The shape after the change.
    pub to: Shape,
    /// The current step: `Expand`, `Cutover`, `Finalize` or `Contract`, in this order. A change
    /// skips the steps that it does not need.
    pub step: EvolutionStep,
    /// When the current step began.
    pub since: Time,
    /// What the current step waits for, or what blocks it.
    pub message: String,
}

/// A step of a change (expand and contract).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EvolutionStep {
    /// New components start beside the components that serve.
    Expand,
    /// Callers switch to the new components; the end users switch last.
    Cutover,
    /// The final copies of items are made, and migration sources are dropped.
    Finalize,
    /// Components that the new model does not contain are deleted.
    Contract,
}

impl EvolutionStep {
    /// All steps, in order.
    pub const ALL: [Self; 4] = [Self::Expand, Self::Cutover, Self::Finalize, Self::Contract];

    /// The name in the status, in Events and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "Expand",
            Self::Cutover => "Cutover",
            Self::Finalize => "Finalize",
            Self::Contract => "Contract",
        }
    }
}

/// A component and the number of its ready pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// The name of the component, unique in the Architecture.
    pub name: String,
    /// What the component does: `Service` (answers requests by calling other components or querying
    /// its store), `Store` (stores items on a volume), `Peer` (stores a share of the items and
    /// answers requests) or `Load` (sends requests that simulate end users).
    pub role: ComponentRole,
    /// The number of pods that are ready and run the current configuration.
    pub ready: i32,
    /// The desired number of pods.
    pub desired: i32,
    /// Why a pod is not ready, in one line; absent if all are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The role of a component: what its pods do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComponentRole {
    /// Answers requests by calling other components or querying its store.
    Service,
    /// Stores items on a volume.
    Store,
    /// Stores a share of the items and answers requests.
    Peer,
    /// Sends requests that simulate end users.
    Load,
}

impl From<Role> for ComponentRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Service => Self::Service,
            Role::Store => Self::Store,
            Role::Peer => Self::Peer,
            Role::Load => Self::Load,
        }
    }
}

/// An edge and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeStatus {
    /// The component that opens connections.
    pub from: String,
    /// The component that accepts connections.
    pub to: String,
    /// Whether requests or probes over the edge succeed: `Flowing` (requests have crossed it since
    /// the pods started, and none failed in the last 15 s), `Reachable` (probes succeed; no request
    /// yet), `Failing` (probes or requests fail) or `Unknown` (no current report from the component
    /// `from`).
    pub state: EdgeState,
    /// Why the edge fails or is unknown, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether requests or probes over an edge succeed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum EdgeState {
    /// Probes succeed, requests have crossed it since the pods started, and none failed in the last
    /// 15 s.
    Flowing,
    /// Probes succeed; no request has crossed it since the pods started.
    Reachable,
    /// Probes or requests fail.
    Failing,
    /// No current report from the component `from`.
    Unknown,
}

/// A volume that no component uses any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeStatus {
    /// The name of the PersistentVolumeClaim.
    pub name: String,
    /// The component that stored items on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Whether it is kept (`Retained`) or being deleted (`Deleting`), with its items.
    pub state: VolumeState,
    /// The reason, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether a volume that no component uses any more is kept or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VolumeState {
    /// The volume and its items are kept.
    Retained,
    /// The volume is being deleted.
    Deleting,
}
