//! Which Architecture an object belongs to.

use super::lenient::LenientArchitecture;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::runtime::reflector::ObjectRef;
use maquette_contract::keys::{GROUP, LABEL_ARCHITECTURE};
use std::fmt;

/// The namespace and name of an Architecture.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ArchitectureKey {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl ArchitectureKey {
    /// The key of an Architecture by its metadata.
    pub(super) fn from_metadata(metadata: &ObjectMeta) -> Self {
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }

    /// The same for the queue.
    pub(super) fn object_ref(&self) -> ObjectRef<LenientArchitecture> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }
}

impl From<&ObjectRef<LenientArchitecture>> for ArchitectureKey {
    fn from(object: &ObjectRef<LenientArchitecture>) -> Self {
        let namespace = object.namespace.clone().unwrap_or_default();
        Self { namespace, name: object.name.clone() }
    }
}

impl fmt::Display for ArchitectureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The owner references that name an Architecture.
pub(super) fn architecture_owners(metadata: &ObjectMeta) -> impl Iterator<Item = &OwnerReference> {
    let group = format!("{GROUP}/");
    let ours = move |owner: &&OwnerReference| {
        owner.kind == "Architecture" && owner.api_version.starts_with(&group)
    };
    metadata.owner_references.iter().flatten().filter(ours)
}

/// The Architecture that an object belongs to: its owner, else the one that its label names, which
/// is all that pods have.
pub(super) fn owner_key(metadata: &ObjectMeta) -> Option<ArchitectureKey> {
    let owner = architecture_owners(metadata).next().map(|owner| owner.name.clone());
    let labels = metadata.labels.as_ref();
    let name = owner.or_else(|| labels?.get(LABEL_ARCHITECTURE).cloned())?;
    Some(ArchitectureKey { namespace: metadata.namespace.clone()?, name })
}

/// Whether the Architecture with this UID is the object's controller.
pub(super) fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    metadata
        .owner_references
        .iter()
        .flatten()
        .any(|owner| owner.controller == Some(true) && owner.uid == uid)
}
