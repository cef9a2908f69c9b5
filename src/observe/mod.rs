//! Turns the cluster's objects and the pods' reports into the running topology and the status.
//!
//! Owns the meaning of "works": when a component counts as available, an edge as flowing and a
//! condition as true. It never reads a clock, never does I/O and never decides what changes.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod assessment;
mod component;
mod conditions;
mod edge;
mod evolution;
mod first_poll;
mod inputs;
mod ownership;
mod running;
mod snapshot;
mod status;
mod storage;
mod text;
mod traffic;

pub use assessment::Assessment;
pub(crate) use component::missing_report_reason;
pub use component::{Availability, Shortfall, component_availability};
pub use conditions::{Reason, condition_types};
pub use inputs::{
    Acceptance, ActiveEvolution, ApplyOutcome, Issue, IssueKind, Subject, Target, VolumeNote,
};
pub use ownership::{is_controlled_by, is_orphan_of};
pub use running::{
    ListedMembers, PodIssue, RunningComponent, RunningPod, RunningTopology, TerminatingPod,
    Workload, has_ended, has_lost_settings, is_pod_ready, kept_volume_sizes, pod_ordinal,
    readiness_issue, refused_volume_changes, refused_volume_specs, running_topology,
    unreadable_settings,
};
pub use snapshot::causes::{
    Causes, StorageClassNames, WaitingObject, Warning, storage_classes_due, waiting_objects,
};
pub(crate) use snapshot::causes::{has_volume, user_of};
pub use snapshot::{PodReport, REPORT_TTL, ROTATION_SECONDS, Snapshot};
pub use status::{PanicReport, status_after_panic};
pub use storage::VolumeLevel;
pub use traffic::IDLE_SECONDS;
