//! The requests in the audit log of the API server.

use super::control_plane::{ControlPlane, control_plane};
use serde::Deserialize;
use std::{collections::HashSet, fs};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    verb: String,
    #[serde(default)]
    user_agent: String,
    #[serde(default, rename = "requestURI")]
    request_uri: String,
    object_ref: Option<ObjectRef>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef {
    #[serde(default)]
    api_group: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

/// A request of an operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    /// `create`, `patch`, `list`, ...
    pub(crate) verb: String,
    /// The API group; empty for the core.
    pub(crate) group: String,
    /// The resource, with the subresource behind a slash.
    pub(crate) resource: String,
    /// The namespace; empty for all.
    pub(crate) namespace: String,
    /// The object's name, where the request has one.
    pub(crate) name: String,
    /// The path and the query.
    pub(crate) uri: String,
}

impl Request {
    /// All requests of operators to a control plane so far, in order.
    pub(crate) fn of_operators(plane: &ControlPlane) -> Vec<Self> {
        let log = fs::read_to_string(&plane.audit_log).expect("an audit log");
        let mut seen = HashSet::new();
        // The last line may be half written.
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        lines
            .filter(|line| line.user_agent.starts_with("maquette-operator/"))
            .filter(|line| line.stage != "RequestReceived")
            .filter(|line| seen.insert(line.audit_id.clone()))
            .filter_map(|line| Some(Self::from(line.verb, line.request_uri, line.object_ref?)))
            .collect()
    }

    /// Those in one namespace of the shared control plane.
    pub(crate) fn within(namespace: &str) -> Vec<Self> {
        let all = Self::of_operators(control_plane()).into_iter();
        all.filter(|r| r.namespace == namespace).collect()
    }

    fn from(verb: String, uri: String, object: ObjectRef) -> Self {
        let ObjectRef { api_group, resource, subresource, namespace, name } = object;
        let resource =
            if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") };
        Self { verb, group: api_group, resource, namespace, name, uri }
    }

    /// Whether it starts or resumes a watch.
    pub(crate) fn is_watch(&self) -> bool {
        self.verb == "watch"
    }
}
