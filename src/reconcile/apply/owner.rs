//! Whose an object is that has a name which the Architecture needs.

use super::super::{
    context::ReconcileContext,
    error::ApplyError,
    key::{ArchitectureKey, architecture_owners},
};
use super::child::Child;
use crate::observe::IssueKind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use maquette_contract::keys::{LABEL_ARCHITECTURE, LABEL_COMPONENT, LABEL_MANAGED_BY};

/// Refuses an object that is being deleted, or that the Architecture neither controls nor may adopt.
/// `desired` is the object that needs the name, and `live` the one that has it.
pub(in crate::reconcile) fn ensure_owned<K: Child>(
    cx: &ReconcileContext<'_>,
    desired: &K,
    live: &ObjectMeta,
) -> Result<(), ApplyError> {
    let object = desired.display_name();
    if live.deletion_timestamp.is_some() {
        let message = format!("waiting for {object} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    if cx.is_ours(live) {
        return Ok(());
    }
    let name = &cx.key().name;
    if architecture_owners(live).any(|owner| owner.name == *name) {
        let message =
            format!("waiting for {object} of an earlier Architecture {name} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    Err(name_conflict(cx, desired, live))
}

/// That the name of `desired` belongs to something else, whose it is, and the fix.
pub(in crate::reconcile) fn name_conflict<K: Child>(
    cx: &ReconcileContext<'_>,
    desired: &K,
    live: &ObjectMeta,
) -> ApplyError {
    conflict_with(desired, &describe_holder(cx, live))
}

/// A conflict with an object of another Architecture that this version cannot read.
pub(super) fn unreadable_conflict<K: Child>(desired: &K, holder: &ArchitectureKey) -> ApplyError {
    conflict_with(desired, &format!("belongs to Architecture {}", holder.name))
}

fn conflict_with<K: Child>(desired: &K, holder: &str) -> ApplyError {
    let component = desired.labels().get(LABEL_COMPONENT);
    let component = component.map_or_else(String::new, |name| format!(", or component {name}"));
    let message =
        format!("{} {holder}: rename this Architecture{component}", desired.display_name());
    ApplyError::from_issue(IssueKind::NameTaken, message)
}

/// Whose the object is, as the predicate of a sentence.
fn describe_holder(cx: &ReconcileContext<'_>, live: &ObjectMeta) -> String {
    let label = |key: &str| live.labels.as_ref().and_then(|labels| labels.get(key));
    let labelled = label(LABEL_ARCHITECTURE).filter(|name| **name != cx.key().name);
    let owner = architecture_owners(live).next().map(|owner| &owner.name);
    let mut owners = live.owner_references.iter().flatten();
    let controller = owners.find(|owner| owner.controller == Some(true));
    if let Some(architecture) = owner.or(labelled.filter(|_| controller.is_none())) {
        let namespace = cx.key().namespace.clone();
        let key = ArchitectureKey { namespace, name: architecture.clone() };
        let is_gone = cx.shared.caches.architectures.get(&key.object_ref()).is_none();
        let gone = if is_gone { ", which no longer exists" } else { "" };
        return format!("belongs to Architecture {architecture}{gone}");
    }
    if let Some(controller) = controller {
        return format!("is controlled by {} {}", controller.kind, controller.name);
    }
    if let Some(owner) = live.owner_references.iter().flatten().next() {
        return format!("belongs to {} {}", owner.kind, owner.name);
    }
    match label(LABEL_MANAGED_BY) {
        Some(manager) => format!("has no owner and is managed by {manager}"),
        None => "exists and has no owner".to_owned(),
    }
}
