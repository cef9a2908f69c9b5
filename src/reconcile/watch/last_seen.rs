//! The children of an Architecture as the caches last showed them.
//!
//! The running topology is read back from the children. If another client deletes a child
//! during an evolution, the snapshot no longer shows where its items are. So the child is kept here
//! and restored into the snapshot; so are settings that another client damages. What the operator itself deletes is dropped, also while the caches
//! still show it.

use super::{super::key::ArchitectureKey, cache::Cache, object::Packed};
use crate::observe::{Snapshot, has_lost_settings};
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, Service},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

type ObjectsByName<K> = BTreeMap<String, SeenObject<K>>;

/// One object as it was last seen.
#[derive(Debug)]
struct SeenObject<K> {
    version: Option<Box<str>>,
    /// The same as in the cache while that has this version.
    packed: Arc<Packed<K>>,
}

/// The Architecture of a snapshot, and the caches that the snapshot was taken from.
pub(in crate::reconcile) struct SeenOwner<'a> {
    pub(in crate::reconcile) key: &'a ArchitectureKey,
    pub(in crate::reconcile) uid: &'a str,
    pub(in crate::reconcile) config_maps: &'a Cache<ConfigMap>,
    pub(in crate::reconcile) services: &'a Cache<Service>,
    pub(in crate::reconcile) deployments: &'a Cache<Deployment>,
    pub(in crate::reconcile) stateful_sets: &'a Cache<StatefulSet>,
}

/// The last seen children of one Architecture; every snapshot updates them.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct LastSeen {
    /// The UID of the Architecture that they belong to.
    owner: String,
    config_maps: ObjectsByName<ConfigMap>,
    services: ObjectsByName<Service>,
    deployments: ObjectsByName<Deployment>,
    stateful_sets: ObjectsByName<StatefulSet>,
    /// UIDs of what the operator deleted and the caches may still show.
    deleted: BTreeSet<String>,
}

impl LastSeen {
    /// The operator deleted the object of this name and UID. The objects of a component share one
    /// name and are deleted together.
    pub(in crate::reconcile) fn mark_deleted(&mut self, name: &str, uid: Option<&String>) {
        self.config_maps.remove(name);
        self.services.remove(name);
        self.deployments.remove(name);
        self.stateful_sets.remove(name);
        self.deleted.extend(uid.cloned());
    }

    /// The object of this UID stays after all.
    pub(in crate::reconcile) fn unmark_deleted(&mut self, uid: &str) {
        self.deleted.remove(uid);
    }

    /// Adds to the cached children of the Architecture those that other clients deleted, and removes
    /// those that the operator deleted.
    pub(in crate::reconcile) fn complete_snapshot(
        &mut self,
        snapshot: &mut Snapshot,
        owner: &SeenOwner<'_>,
    ) {
        if self.owner != owner.uid {
            // Children of an earlier Architecture of the same name are not restored.
            *self = Self {
                owner: owner.uid.to_owned(),
                deleted: std::mem::take(&mut self.deleted),
                ..Self::default()
            };
        }
        let Self { owner: _, config_maps, services, deployments, stateful_sets, deleted } = self;
        // The mark of an object that the caches no longer show is dropped.
        let mut still_shown = remove_deleted(&mut snapshot.config_maps, deleted);
        still_shown.append(&mut remove_deleted(&mut snapshot.services, deleted));
        still_shown.append(&mut remove_deleted(&mut snapshot.deployments, deleted));
        still_shown.append(&mut remove_deleted(&mut snapshot.stateful_sets, deleted));
        *deleted = still_shown;
        restore_settings(config_maps, &mut snapshot.config_maps);
        record_all(config_maps, &snapshot.config_maps, owner, owner.config_maps);
        restore_missing(config_maps, &mut snapshot.config_maps, |_| {});
        record_all(services, &snapshot.services, owner, owner.services);
        restore_missing(services, &mut snapshot.services, |_| {});
        // A deleted workload has no ready pods, whatever its last status was.
        record_all(deployments, &snapshot.deployments, owner, owner.deployments);
        restore_missing(deployments, &mut snapshot.deployments, |object| {
            object.status = None;
        });
        record_all(stateful_sets, &snapshot.stateful_sets, owner, owner.stateful_sets);
        restore_missing(stateful_sets, &mut snapshot.stateful_sets, |object| {
            object.status = None;
        });
    }
}

/// Removes the deleted objects from `cached`; returns their UIDs.
fn remove_deleted<K: Metadata<Ty = ObjectMeta>>(
    cached: &mut Vec<Arc<K>>,
    deleted: &BTreeSet<String>,
) -> BTreeSet<String> {
    let uids = cached.iter().filter_map(|object| object.metadata().uid.as_ref());
    let still_shown = uids.filter(|uid| deleted.contains(*uid)).cloned().collect();
    cached
        .retain(|object| !object.metadata().uid.as_ref().is_some_and(|uid| deleted.contains(uid)));
    still_shown
}

/// Replaces each of `cached` whose settings another client has damaged since by what was seen before:
/// its component still runs under those settings.
fn restore_settings(seen: &ObjectsByName<ConfigMap>, cached: &mut [Arc<ConfigMap>]) {
    for config_map in cached {
        let before = seen.get(config_map.metadata.name.as_deref().unwrap_or_default());
        let Some(before) = before else { continue };
        let is_new = before.version.as_deref() != config_map.metadata.resource_version.as_deref();
        if is_new
            && has_lost_settings(config_map)
            && let Some(restored) = before.packed.unpack()
        {
            *config_map = restored;
        }
    }
}

/// Adds to `cached` what was seen before and is missing now, changed by `mark_missing`.
fn restore_missing<K: Metadata<Ty = ObjectMeta> + Clone + DeserializeOwned>(
    seen: &ObjectsByName<K>,
    cached: &mut Vec<Arc<K>>,
    mark_missing: impl Fn(&mut K),
) {
    let present: BTreeSet<_> =
        cached.iter().map(|object| object.metadata().name.clone().unwrap_or_default()).collect();
    for (_, object) in seen.iter().filter(|(name, _)| !present.contains(*name)) {
        let Some(found) = object.packed.unpack() else { continue };
        let mut missing = Arc::unwrap_or_clone(found);
        mark_missing(&mut missing);
        cached.push(Arc::new(missing));
    }
}

/// Keeps the objects of a snapshot.
fn record_all<K>(
    seen: &mut ObjectsByName<K>,
    cached: &[Arc<K>],
    owner: &SeenOwner<'_>,
    cache: &Cache<K>,
) where
    K: Metadata<Ty = ObjectMeta> + Serialize + DeserializeOwned,
{
    for object in cached {
        let metadata = object.metadata();
        let name = metadata.name.clone().unwrap_or_default();
        let version = metadata.resource_version.clone().map(String::into_boxed_str);
        let is_same =
            seen.get(&name).is_some_and(|before| before.version == version && version.is_some());
        if !is_same && let Some(packed) = cache.packed_form(owner.key, object, metadata) {
            seen.insert(name, SeenObject { version, packed });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{
        api::apps::v1::DeploymentStatus, apimachinery::pkg::apis::meta::v1::OwnerReference,
    };
    use maquette_contract::keys::CONFIG_FILE;

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

    /// Names, and whether there is a status.
    fn completed(seen: &mut LastSeen, snapshot: Snapshot, uid: &str) -> Vec<(String, bool)> {
        let snapshot = complete(seen, snapshot, uid);
        let deployments = snapshot.deployments.iter();
        deployments
            .map(|object| (object.metadata.name.clone().unwrap(), object.status.is_some()))
            .collect()
    }

    fn complete(seen: &mut LastSeen, mut snapshot: Snapshot, uid: &str) -> Snapshot {
        let owner = SeenOwner {
            key: &ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() },
            uid,
            config_maps: &Cache::default(),
            services: &Cache::default(),
            deployments: &Cache::default(),
            stateful_sets: &Cache::default(),
        };
        seen.complete_snapshot(&mut snapshot, &owner);
        snapshot
    }

    #[test]
    fn a_deleted_child_is_restored_without_its_status() {
        let (a, b) = (deployment("a", "me"), deployment("b", "me"));
        let mut seen = LastSeen::default();
        completed(&mut seen, cached(&[&a, &b]), "me");
        let expected = [("b".to_owned(), true), ("a".to_owned(), false)];
        assert_eq!(completed(&mut seen, cached(&[&b]), "me"), expected);
        assert_eq!(completed(&mut seen, cached(&[&b]), "me"), expected, "until it is back");
        assert_eq!(completed(&mut seen, cached(&[&a, &b]), "me").len(), 2);
    }

    #[test]
    fn a_child_that_the_operator_deletes_is_not_restored() {
        let (a, b) = (deployment("a", "me"), deployment("b", "me"));
        let mut seen = LastSeen::default();
        completed(&mut seen, cached(&[&a, &b]), "me");
        seen.mark_deleted("a", a.metadata.uid.as_ref());
        let expected = [("b".to_owned(), true)];
        assert_eq!(completed(&mut seen, cached(&[&a, &b]), "me"), expected);
        assert_eq!(completed(&mut seen, cached(&[&b]), "me"), expected);
    }

    #[test]
    fn damaged_settings_are_those_that_were_seen_before() {
        let written = r#"{"architecture": "shop", "component": "data", "role": "store"}"#;
        let mut seen = LastSeen::default();
        let mut version = 0;
        let mut settings_after = |text: Option<&str>| {
            version += 1;
            let metadata = ObjectMeta {
                name: Some("shop-data".to_owned()),
                resource_version: Some(version.to_string()),
                ..ObjectMeta::default()
            };
            let data = text.map(|text| (CONFIG_FILE.to_owned(), text.to_owned()));
            let data = Some(data.into_iter().collect());
            let config_map = Arc::new(ConfigMap { metadata, data, ..ConfigMap::default() });
            let snapshot = Snapshot { config_maps: vec![config_map], ..Snapshot::default() };
            let snapshot = complete(&mut seen, snapshot, "me");
            let found = snapshot.config_maps[0].data.clone().unwrap_or_default();
            found.get(CONFIG_FILE).cloned()
        };
        assert_eq!(settings_after(Some("{")).as_deref(), Some("{"), "nothing was seen before");
        assert_eq!(settings_after(Some(written)).as_deref(), Some(written));
        for damaged in [Some("{"), Some("[]"), None] {
            assert_eq!(settings_after(damaged).as_deref(), Some(written), "{damaged:?}");
        }
        let newer = r#"{"schemaVersion": 2}"#;
        assert_eq!(settings_after(Some(newer)).as_deref(), Some(newer), "it is no damage");
    }

    #[test]
    fn children_of_an_earlier_architecture_are_not_restored() {
        let mut seen = LastSeen::default();
        completed(&mut seen, cached(&[&deployment("a", "earlier")]), "earlier");
        assert_eq!(completed(&mut seen, cached(&[]), "me"), []);
    }
}
