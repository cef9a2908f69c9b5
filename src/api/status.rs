//! The status of an Architecture: what runs and whether it works.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use maquette_contract::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shape;

/// What runs and whether it works, as the operator last saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchitectureStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The shape that serves; another than `spec.shape` while users have not moved yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// The change that is under way; absent when what runs is what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evolution: Option<EvolutionStatus>,
    /// Where users send their requests: the URL of the entry Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Components that are available, of all, such as `5/5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components_ready: Option<String>,
    /// Accepted, Ready, Progressing, TrafficFlowing and, for peers, OverlayConnected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Every component and how many of its pods are ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub components: Vec<ComponentStatus>,
    /// Every edge and whether it works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["from", "to"]))]
    pub edges: Vec<EdgeStatus>,
    /// Volumes that hold items and that no component uses any more, and why they are kept or go. A volume
    /// that a component takes up again is no longer among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub volumes: Vec<VolumeStatus>,
}

/// A change that is under way, step by step, while users are served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvolutionStatus {
    /// The shape that served when the change began. The same as `to` where only settings of a shape
    /// change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Shape>,
    /// The shape that is to serve.
    pub to: Shape,
    /// The step that is under way: `Expand`, `Cutover`, `Finalize` or `Contract`, in this order. Steps that
    /// a change does not need are left out.
    pub step: EvolutionStep,
    /// When the step began.
    pub since: Time,
    /// What the step waits for, or what is in its way.
    pub message: String,
}

/// A step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EvolutionStep {
    /// New components come up beside those that serve.
    Expand,
    /// Callers move to the new components, end users last.
    Cutover,
    /// New owners of items get what the old ones still took meanwhile.
    Finalize,
    /// Components that are no longer wanted go.
    Contract,
}

impl EvolutionStep {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [Self::Expand, Self::Cutover, Self::Finalize, Self::Contract];

    /// The step as status, Events and metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "Expand",
            Self::Cutover => "Cutover",
            Self::Finalize => "Finalize",
            Self::Contract => "Contract",
        }
    }
}

/// A component and how many of its pods are ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// The component's name.
    pub name: String,
    /// What it does.
    pub role: ComponentRole,
    /// Pods that are ready and run what is wanted.
    pub ready: i32,
    /// Pods wanted.
    pub desired: i32,
    /// Why a pod is not ready, in one line, if one is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a component does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComponentRole {
    /// Answers requests.
    Service,
    /// Keeps items.
    Store,
    /// Does both, like every other peer.
    Peer,
    /// Plays the end users.
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

/// An edge and whether it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeStatus {
    /// The component that begins.
    pub from: String,
    /// The component that answers.
    pub to: String,
    /// Whether it works.
    pub state: EdgeState,
    /// Why it fails or is unknown, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether an edge works.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum EdgeState {
    /// Requests crossed it and none failed.
    Flowing,
    /// Probes cross it; there were no requests.
    Reachable,
    /// Probes or requests fail.
    Failing,
    /// Nobody has reported of late.
    Unknown,
}

/// A volume that no component uses any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeStatus {
    /// The name of the PersistentVolumeClaim.
    pub name: String,
    /// The component whose items are on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What becomes of it.
    pub state: VolumeState,
    /// Why, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What becomes of a volume that no component uses any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VolumeState {
    /// It is kept.
    Retained,
    /// It is being deleted.
    Deleting,
}
