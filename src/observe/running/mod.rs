//! The running topology: its types, and how it is read back from the objects of a snapshot.
//!
//! The types contain no Kubernetes object; `read` is the opposite of `render`.

mod claim;
mod entry;
mod lookup;
mod member_history;
mod parse;
mod pod;
mod prose;
mod read;
mod topology;
mod volume_change;
mod workload;

pub use pod::{has_ended, is_ready as is_pod_ready, pod_ordinal, readiness_issue};
pub(super) use pod::{is_ready, is_unschedulable};
pub use read::{has_lost_settings, running_topology, unreadable_settings};
pub use topology::{
    ListedMembers, PodIssue, RunningComponent, RunningPod, RunningTopology, TerminatingPod,
    Workload,
};
pub use volume_change::{kept_volume_sizes, refused_volume_changes, refused_volume_specs};
