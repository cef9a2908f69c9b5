//! Reads the claims of the components' pods: whether they have a volume, and why they get none.

use super::{lookup::component_of, topology::RunningComponent};
use crate::observe::{
    Snapshot, StorageClassNames,
    snapshot::causes::{has_volume, waiting_claims},
    text::one_line,
};
use k8s_openapi::api::core::v1::PersistentVolumeClaim as Claim;
use maquette_contract::ComponentName;
use std::collections::BTreeMap;

/// Longest issue of a claim, in characters.
const MAX_ISSUE_CHARS: usize = 300;

/// Adds what the claims show to components that exist.
pub(super) fn add_claims(
    snapshot: &Snapshot,
    components: &mut BTreeMap<ComponentName, RunningComponent>,
) {
    for claim in snapshot.claims.iter() {
        if let Some(found) =
            component_of(&claim.metadata).and_then(|name| components.get_mut(&name))
        {
            found.claims_unbound = true;
        }
    }
    for claim in snapshot.claims.iter().filter(|claim| has_volume(claim)) {
        if let Some(found) =
            component_of(&claim.metadata).and_then(|name| components.get_mut(&name))
        {
            found.claims_unbound = false;
        }
    }
    for claim in waiting_claims(snapshot) {
        if let Some(found) =
            component_of(&claim.metadata).and_then(|name| components.get_mut(&name))
            && found.claim_issue.is_none()
        {
            let issue = claim_issue(snapshot, claim);
            found.claim_issue = issue.map(|issue| one_line(&issue, MAX_ISSUE_CHARS));
        }
    }
}

/// Why the claim gets no volume, as far as it was read.
fn claim_issue(snapshot: &Snapshot, claim: &Claim) -> Option<String> {
    let name = claim.metadata.name.as_deref()?;
    let classes = snapshot.causes.storage_classes.as_ref();
    if let Some(missing) = classes.and_then(|classes| missing_class(claim, classes)) {
        return Some(format!("PersistentVolumeClaim {name}: {missing}"));
    }
    let warning = snapshot.causes.warnings.get(claim.metadata.uid.as_deref()?)?.as_ref()?;
    Some(format!(
        "PersistentVolumeClaim {name} gets no volume: {}: {}",
        warning.reason, warning.message
    ))
}

/// That the claim's StorageClass does not exist, with those that do.
fn missing_class(claim: &Claim, classes: &StorageClassNames) -> Option<String> {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    let problem = match wanted {
        // An empty name asks for a volume without a class.
        Some("") => return None,
        Some(class) if classes.names.iter().any(|name| name == class) => return None,
        Some(class) => format!("no StorageClass {class}"),
        None if classes.default.is_some() => return None,
        None => "it names no StorageClass, and the cluster has no default one".to_owned(),
    };
    let others = existing_classes(classes);
    Some(format!("{problem}; {others}: set storageClassName to one that exists, or create it"))
}

fn existing_classes(classes: &StorageClassNames) -> String {
    let names = classes.names.iter().map(|name| match classes.default.as_ref() == Some(name) {
        true => format!("{name} (default)"),
        false => name.clone(),
    });
    match names.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "the cluster has none".to_owned(),
        names => format!("there are: {names}"),
    }
}
