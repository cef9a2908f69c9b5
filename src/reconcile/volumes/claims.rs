//! The claims of a StatefulSet, and the size, class and state of a claim.

use crate::api::Quantity;
use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim},
    apimachinery::pkg::{api::resource::Quantity as RawQuantity, apis::meta::v1::ObjectMeta},
};
use kube::ResourceExt;
use std::collections::BTreeMap;

/// The claims of the StatefulSet's pods, as its controller would create them.
pub(super) fn desired_claims(set: &StatefulSet) -> Vec<Claim> {
    let replicas = set.spec.as_ref().map_or(0, |spec| spec.replicas.unwrap_or(1));
    let templates = claim_templates(set).iter();
    templates
        .flat_map(|template| (0..replicas).map(move |ordinal| new_claim(set, template, ordinal)))
        .collect()
}

pub(super) fn claim_templates(set: &StatefulSet) -> &[Claim] {
    let spec = set.spec.as_ref();
    spec.and_then(|spec| spec.volume_claim_templates.as_deref()).unwrap_or_default()
}

fn new_claim(set: &StatefulSet, template: &Claim, ordinal: i32) -> Claim {
    let selector = set.spec.iter().flat_map(|spec| spec.selector.match_labels.iter().flatten());
    let labels = template.metadata.labels.iter().flatten().chain(selector);
    let metadata = ObjectMeta {
        name: Some(format!("{}-{}-{ordinal}", template.name_any(), set.name_any())),
        namespace: set.namespace(),
        labels: Some(labels.map(|(key, value)| (key.clone(), value.clone())).collect()),
        ..ObjectMeta::default()
    };
    Claim { metadata, spec: template.spec.clone(), status: None }
}

/// A size as it is written and as an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VolumeSize {
    pub(super) text: String,
    pub(super) amount: Quantity,
}

/// The size that the claim requests.
pub(super) fn requested_size(claim: &Claim) -> Option<VolumeSize> {
    storage_size(claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?)
}

/// The size that the volume has.
pub(super) fn volume_capacity(claim: &Claim) -> Option<VolumeSize> {
    storage_size(claim.status.as_ref()?.capacity.as_ref()?)
}

fn storage_size(amounts: &BTreeMap<String, RawQuantity>) -> Option<VolumeSize> {
    let text = amounts.get("storage")?.0.clone();
    Some(VolumeSize { amount: text.parse().ok()?, text })
}

/// The StorageClass that the claim names.
pub(super) fn storage_class(claim: &Claim) -> Option<&str> {
    claim.spec.as_ref()?.storage_class_name.as_deref()
}

/// Whether the claim has a volume.
pub(super) fn is_bound(claim: &Claim) -> bool {
    let status = claim.status.as_ref();
    status.and_then(|status| status.phase.as_deref()) == Some("Bound")
}
