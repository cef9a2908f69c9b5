//! Whether peers have always had the same members. Their settings say so. What is left of peers whose
//! settings are lost, or that are made again, says it too: the StatefulSet, and volumes.

use super::{
    lookup::component_of,
    topology::{ListedMembers, RunningComponent},
};
use crate::{
    observe::{Snapshot, snapshot::causes::has_volume},
    plan::Identity,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use maquette_contract::{
    ComponentConfig, ComponentName, RoleConfig, keys::ANNOTATION_MEMBERS_CHANGED,
};
use std::collections::{BTreeMap, BTreeSet};

/// The members that the configuration of peers lists.
pub(super) fn listed_members(config: &ComponentConfig) -> Option<ListedMembers> {
    match &config.role {
        RoleConfig::Peer(peer) => Some(ListedMembers {
            count: u32::try_from(peer.members.len()).unwrap_or(u32::MAX),
            have_changed: peer.members_changed,
        }),
        RoleConfig::Service(_) | RoleConfig::Store(_) | RoleConfig::Load(_) => None,
    }
}

/// The components whose StatefulSet says that their members were others, and those that have a volume
/// and no settings: it may have items of any members.
pub(super) fn changed_members(
    identity: &Identity,
    snapshot: &Snapshot,
    components: &BTreeMap<ComponentName, RunningComponent>,
) -> BTreeSet<ComponentName> {
    let sets = snapshot.stateful_sets.iter().map(|set| &set.metadata);
    let marked = sets.filter(|metadata| {
        let annotations = metadata.annotations.as_ref();
        annotations.is_some_and(|all| all.contains_key(ANNOTATION_MEMBERS_CHANGED))
    });
    let has_settings =
        |name: &ComponentName| components.get(name).is_some_and(|found| found.revision.is_some());
    let claims = snapshot.claims.iter().filter(|claim| has_volume(claim));
    let used_again = claims.map(|claim| &claim.metadata).filter(|claim| stays(claim, identity));
    let without_settings = used_again.filter_map(component_of).filter(|name| !has_settings(name));
    marked.filter_map(component_of).chain(without_settings).collect()
}

/// Whether the claim is not removed before peers use its name: neither on its own nor with an earlier
/// Architecture of the same name.
fn stays(claim: &ObjectMeta, identity: &Identity) -> bool {
    let mut owners = claim.owner_references.iter().flatten();
    claim.deletion_timestamp.is_none()
        && owners.all(|owner| owner.kind != "Architecture" || owner.uid == identity.uid)
}
