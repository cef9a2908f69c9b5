//! Which objects an Architecture controls, and which of them it may adopt.

use crate::plan::Identity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use maquette_contract::keys::{LABEL_ARCHITECTURE, LABEL_MANAGED_BY, MANAGER};

/// Whether the Architecture with this UID is the object's controller.
pub fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

/// Whether the object has the labels of the Architecture's own objects and no controller, as after
/// a restore from a backup or a deletion of the Architecture with `--cascade=orphan`. The
/// Architecture adopts it, as a Deployment adopts a ReplicaSet.
pub fn is_orphan_of(metadata: &ObjectMeta, identity: &Identity) -> bool {
    let has_label = |key: &str, value: &str| {
        metadata.labels.iter().any(|labels| labels.get(key).is_some_and(|found| found == value))
    };
    let mut owners = metadata.owner_references.iter().flatten();
    metadata.deletion_timestamp.is_none()
        && metadata.namespace.as_deref() == Some(&identity.namespace)
        && has_label(LABEL_ARCHITECTURE, identity.name.as_str())
        && has_label(LABEL_MANAGED_BY, MANAGER)
        // A reference to an earlier Architecture: the garbage collector deletes the object.
        && !owners.any(|owner| owner.controller == Some(true) || owner.kind == "Architecture")
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{
        apimachinery::pkg::apis::meta::v1::{OwnerReference, Time},
        jiff::Timestamp,
    };

    fn orphan() -> ObjectMeta {
        let labels = [(LABEL_ARCHITECTURE, "shop"), (LABEL_MANAGED_BY, MANAGER)];
        ObjectMeta {
            namespace: Some("default".to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ObjectMeta::default()
        }
    }

    fn owned_by(kind: &str, controller: Option<bool>) -> ObjectMeta {
        let owner = OwnerReference {
            kind: kind.to_owned(),
            uid: "u".to_owned(),
            controller,
            ..OwnerReference::default()
        };
        ObjectMeta { owner_references: Some(vec![owner]), ..orphan() }
    }

    #[test]
    fn only_an_object_with_our_labels_and_no_controller_is_adopted() {
        let identity = Identity {
            name: "shop".parse().unwrap(),
            namespace: "default".to_owned(),
            uid: "new".to_owned(),
        };
        assert!(is_orphan_of(&orphan(), &identity));
        assert!(is_orphan_of(&owned_by("Backup", None), &identity));
        let other_name = Identity { name: "shop-web".parse().unwrap(), ..identity.clone() };
        assert!(!is_orphan_of(&orphan(), &other_name));
        for (metadata, why) in [
            (owned_by("Deployment", Some(true)), "another controller"),
            (owned_by("Architecture", None), "an earlier Architecture"),
            (ObjectMeta { labels: None, ..orphan() }, "no label"),
            (ObjectMeta { namespace: Some("b".to_owned()), ..orphan() }, "another namespace"),
            (
                ObjectMeta { deletion_timestamp: Some(Time(Timestamp::UNIX_EPOCH)), ..orphan() },
                "it is being deleted",
            ),
        ] {
            assert!(!is_orphan_of(&metadata, &identity), "{why}");
        }
    }
}
