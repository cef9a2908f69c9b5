//! The running topology: its types, and how it is read back from the objects of a snapshot.
//!
//! The types contain no Kubernetes object; `read` is the opposite of `render`.

mod entry;
mod lookup;
mod parse;
mod pod;
mod read;
mod topology;
mod workload;

pub use pod::{has_ended, pod_ordinal, readiness_issue};
pub use read::running_topology;
pub use topology::{
    REPORT_SAMPLE, RunningComponent, RunningPod, RunningTopology, Workload, sampled_pods,
};
