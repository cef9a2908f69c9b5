//! What all objects have in common: labels, selectors and the owner.

use crate::{
    api::Architecture,
    plan::{Component, Identity, Topology},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::Resource;
use maquette_contract::keys;
use std::collections::BTreeMap;

pub(super) type Labels = BTreeMap<String, String>;

/// The labels of an object of the whole Architecture.
pub(super) fn architecture_labels(identity: &Identity) -> Labels {
    let architecture = identity.name.as_str();
    to_labels([
        (keys::LABEL_NAME, architecture),
        (keys::LABEL_INSTANCE, architecture),
        (keys::LABEL_PART_OF, architecture),
        (keys::LABEL_MANAGED_BY, keys::MANAGER),
        (keys::LABEL_ARCHITECTURE, architecture),
    ])
}

/// Selects the pods of one component. Selectors are immutable, so it holds only our own keys: the
/// recommended labels may change.
pub(super) fn pod_selector(identity: &Identity, component: &Component) -> Labels {
    to_labels([
        (keys::LABEL_ARCHITECTURE, identity.name.as_str()),
        (keys::LABEL_COMPONENT, component.name.as_str()),
        (keys::LABEL_ROLE, component.role().as_str()),
    ])
}

/// [`pod_selector`] for kinds that take a `LabelSelector`.
pub(super) fn label_selector(identity: &Identity, component: &Component) -> LabelSelector {
    LabelSelector { match_labels: Some(pod_selector(identity, component)), match_expressions: None }
}

/// The labels of a component's objects and pods. Service meshes and dashboards group by the
/// recommended labels: Istio takes `app.kubernetes.io/name` as the name of the service.
pub(super) fn component_labels(identity: &Identity, component: &Component) -> Labels {
    let mut labels = architecture_labels(identity);
    labels.extend(to_labels([
        (keys::LABEL_NAME, component.name.as_str()),
        (keys::LABEL_APP_COMPONENT, component.role().as_str()),
    ]));
    labels.extend(pod_selector(identity, component));
    labels
}

/// The metadata of an object of the whole Architecture.
pub(super) fn architecture_metadata(topology: &Topology, name: String) -> ObjectMeta {
    object_metadata(topology.identity(), name, architecture_labels(topology.identity()))
}

/// The metadata of an object of `component`.
pub(super) fn component_metadata(
    topology: &Topology,
    component: &Component,
    name: String,
) -> ObjectMeta {
    object_metadata(topology.identity(), name, component_labels(topology.identity(), component))
}

fn object_metadata(identity: &Identity, name: String, labels: Labels) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(identity.namespace.clone()),
        labels: Some(labels),
        owner_references: owner_reference(identity).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The Architecture as the owner; none without a UID, that is, outside a cluster.
fn owner_reference(identity: &Identity) -> Option<OwnerReference> {
    (!identity.uid.is_empty()).then(|| OwnerReference {
        api_version: Architecture::api_version(&()).into_owned(),
        kind: Architecture::kind(&()).into_owned(),
        name: identity.name.to_string(),
        uid: identity.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    })
}

fn to_labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}
