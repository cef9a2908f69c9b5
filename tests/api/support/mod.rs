//! What the tests share: a control plane, an operator, a namespace, and waiting.

mod audit;
mod control_plane;
#[path = "../../shared/edges.rs"]
mod edges;
mod kubelet;
mod objects;
mod operator;
mod provisioner;
mod space;
#[path = "../../shared/wait.rs"]
mod wait;

pub(crate) use audit::Request;
pub(crate) use control_plane::{ControlPlane, kubeconfig};
pub(crate) use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
pub(crate) use kubelet::Kubelet;
pub(crate) use objects::{ARCHITECTURE, Any, KINDS, api_of, api_of_child};
pub(crate) use operator::Operator;
pub(crate) use provisioner::{Provisioner, asked};
pub(crate) use space::Space;
pub(crate) use wait::{eventually, seconds};

/// Long enough for anything on a busy machine, where how long is not what is tested.
pub(crate) const fn soon() -> std::time::Duration {
    seconds(90)
}
