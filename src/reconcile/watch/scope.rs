//! The namespaces that one set of watches covers.

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use std::fmt;

/// The namespaces that one set of watches covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum WatchScope {
    All,
    Namespace(String),
}

impl WatchScope {
    pub(super) fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }

    /// The scope as a metric label; `*` stands for all namespaces.
    pub(in crate::reconcile) fn label(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Namespace(namespace) => namespace,
        }
    }

    /// What grants the permissions in this scope.
    pub(super) fn role_to_apply(&self) -> &'static str {
        match self {
            Self::All => {
                "apply the ClusterRole and ClusterRoleBinding of the chart or of \
                 manifests/install.yaml"
            }
            Self::Namespace(_) => "apply the RoleBinding of the chart in that namespace",
        }
    }
}

impl fmt::Display for WatchScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all namespaces"),
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
        }
    }
}
