//! The children of an Architecture as they were last seen.
//!
//! What runs is read back from them, so that one which somebody deletes in the midst of a change
//! would be forgotten together with where its items are. As it is remembered, it is made anew. What
//! the operator deletes itself is forgotten, also while the caches still show it.

use super::key::is_controlled_by;
use crate::observe::Snapshot;
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, Service},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Objects by name.
type ObjectsByName<K> = BTreeMap<String, Arc<K>>;

/// The children of an Architecture as they were last seen.
#[derive(Debug, Default)]
pub(super) struct LastSeen {
    config_maps: ObjectsByName<ConfigMap>,
    services: ObjectsByName<Service>,
    deployments: ObjectsByName<Deployment>,
    stateful_sets: ObjectsByName<StatefulSet>,
    /// UIDs of what the operator deleted.
    deleted: BTreeSet<String>,
}

impl LastSeen {
    /// The operator deleted the object of this name and UID. The objects of a component have one name,
    /// and go together.
    pub(super) fn mark_deleted(&mut self, name: &str, uid: Option<&String>) {
        self.config_maps.remove(name);
        self.services.remove(name);
        self.deployments.remove(name);
        self.stateful_sets.remove(name);
        self.deleted.extend(uid.cloned());
    }

    /// The object of this UID stays after all.
    pub(super) fn unmark_deleted(&mut self, uid: &str) {
        self.deleted.remove(uid);
    }

    /// Adds to what the caches have of the Architecture of this UID what somebody deleted, and takes
    /// from it what the operator did.
    pub(super) fn complete_snapshot(&mut self, snapshot: &mut Snapshot, uid: &str) {
        let Self { config_maps, services, deployments, stateful_sets, deleted } = self;
        // Those that the caches do not show any more are done with.
        let mut shown = remove_deleted(&mut snapshot.config_maps, deleted);
        shown.append(&mut remove_deleted(&mut snapshot.services, deleted));
        shown.append(&mut remove_deleted(&mut snapshot.deployments, deleted));
        shown.append(&mut remove_deleted(&mut snapshot.stateful_sets, deleted));
        *deleted = shown;
        restore_missing(config_maps, &mut snapshot.config_maps, uid, |_| {});
        restore_missing(services, &mut snapshot.services, uid, |_| {});
        // No pod of a workload that is gone counts.
        restore_missing(deployments, &mut snapshot.deployments, uid, |found| found.status = None);
        restore_missing(stateful_sets, &mut snapshot.stateful_sets, uid, |found| {
            found.status = None
        });
    }
}

/// Takes from what is cached what was deleted; says of which that was.
fn remove_deleted<K: Metadata<Ty = ObjectMeta>>(
    cached: &mut Vec<Arc<K>>,
    deleted: &BTreeSet<String>,
) -> BTreeSet<String> {
    let uid = |object: &Arc<K>| object.metadata().uid.clone().unwrap_or_default();
    let shown = cached.iter().map(uid).filter(|uid| deleted.contains(uid)).collect();
    cached.retain(|object| !deleted.contains(&uid(object)));
    shown
}

fn restore_missing<K: Metadata<Ty = ObjectMeta> + Clone>(
    seen: &mut ObjectsByName<K>,
    cached: &mut Vec<Arc<K>>,
    uid: &str,
    gone: impl Fn(&mut K),
) {
    let name = |object: &Arc<K>| object.metadata().name.clone().unwrap_or_default();
    let there: ObjectsByName<K> =
        cached.iter().map(|object| (name(object), Arc::clone(object))).collect();
    seen.retain(|_, object| is_controlled_by(object.metadata(), uid));
    for (_, object) in seen.iter().filter(|(name, _)| !there.contains_key(*name)) {
        let mut object = K::clone(object);
        gone(&mut object);
        cached.push(Arc::new(object));
    }
    seen.extend(there);
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{
        api::apps::v1::DeploymentStatus, apimachinery::pkg::apis::meta::v1::OwnerReference,
    };

    fn deployment(name: &str, owner: &str) -> Arc<Deployment> {
        let owner = OwnerReference {
            uid: owner.to_owned(),
            controller: Some(true),
            ..OwnerReference::default()
        };
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            uid: Some(format!("uid-of-{name}")),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        let status = Some(DeploymentStatus::default());
        Arc::new(Deployment { metadata, status, ..Deployment::default() })
    }

    fn cached(objects: &[&Arc<Deployment>]) -> Snapshot {
        let deployments = objects.iter().map(|object| Arc::clone(object)).collect();
        Snapshot { deployments, ..Snapshot::default() }
    }

    /// Names, and whether anything is known of the pods.
    fn found(children: &mut LastSeen, mut snapshot: Snapshot, uid: &str) -> Vec<(String, bool)> {
        children.complete_snapshot(&mut snapshot, uid);
        let said = |found: &Arc<Deployment>| {
            (found.metadata.name.clone().unwrap(), found.status.is_some())
        };
        snapshot.deployments.iter().map(said).collect()
    }

    #[test]
    fn what_somebody_deletes_is_remembered_without_its_pods() {
        let (a, b) = (deployment("a", "me"), deployment("b", "me"));
        let mut children = LastSeen::default();
        found(&mut children, cached(&[&a, &b]), "me");
        let expected = [("b".to_owned(), true), ("a".to_owned(), false)];
        assert_eq!(found(&mut children, cached(&[&b]), "me"), expected);
        assert_eq!(found(&mut children, cached(&[&b]), "me"), expected, "until it is back");
        assert_eq!(found(&mut children, cached(&[&a, &b]), "me").len(), 2);
    }

    #[test]
    fn what_the_operator_deletes_is_forgotten_also_while_the_caches_show_it() {
        let (a, b) = (deployment("a", "me"), deployment("b", "me"));
        let mut children = LastSeen::default();
        found(&mut children, cached(&[&a, &b]), "me");
        children.mark_deleted("a", a.metadata.uid.as_ref());
        let expected = [("b".to_owned(), true)];
        assert_eq!(found(&mut children, cached(&[&a, &b]), "me"), expected);
        assert_eq!(found(&mut children, cached(&[&b]), "me"), expected);
    }

    #[test]
    fn an_earlier_architecture_of_the_same_name_is_not_remembered() {
        let mut children = LastSeen::default();
        found(&mut children, cached(&[&deployment("a", "earlier")]), "earlier");
        assert_eq!(found(&mut children, cached(&[]), "me"), []);
    }
}
