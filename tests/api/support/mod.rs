//! Shared by the tests: a control plane, an operator, a namespace, and waiting.

mod audit;
mod control_plane;
#[path = "../../shared/edges.rs"]
mod edges;
mod fake_kubelet;
mod fake_provisioner;
mod forwarder;
mod namespace;
mod objects;
mod operator;
#[path = "../../shared/wait.rs"]
mod wait;
mod webhook;

pub(crate) use audit::Request;
pub(crate) use control_plane::{ControlPlane, control_plane, kubeconfig};
pub(crate) use fake_kubelet::FakeKubelet;
pub(crate) use fake_provisioner::{FakeProvisioner, requested_size};
pub(crate) use forwarder::Forwarder;
pub(crate) use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
pub(crate) use namespace::TestNamespace;
pub(crate) use objects::{ARCHITECTURE, AnyObject, CHILD_KINDS, api_of, api_of_child};
pub(crate) use operator::Operator;
pub(crate) use wait::{eventually, seconds};
pub(crate) use webhook::{CLOSED_PORT, Webhook};

/// A timeout that is never reached on a busy machine, for tests that do not measure time.
pub(crate) const fn soon() -> std::time::Duration {
    seconds(90)
}
