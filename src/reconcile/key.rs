//! Which Architecture an object belongs to.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use maquette_contract::keys::{GROUP, LABEL_ARCHITECTURE};
use std::fmt;

/// The namespace and name of an Architecture.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ArchitectureKey {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl ArchitectureKey {
    pub(super) fn from_metadata(metadata: &ObjectMeta) -> Self {
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for ArchitectureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The owner references to an Architecture, of any version of the API.
pub(super) fn architecture_owners(metadata: &ObjectMeta) -> impl Iterator<Item = &OwnerReference> {
    metadata.owner_references.iter().flatten().filter(|owner| {
        let group = owner.api_version.split_once('/').map(|(group, _)| group);
        owner.kind == "Architecture" && group == Some(GROUP)
    })
}

/// The Architecture that an object belongs to: its owner, else the one that its label names. Pods
/// have only the label.
pub(super) fn owner_key(metadata: &ObjectMeta) -> Option<ArchitectureKey> {
    let owner = architecture_owners(metadata).next().map(|owner| owner.name.clone());
    let labels = metadata.labels.as_ref();
    let name = owner.or_else(|| labels?.get(LABEL_ARCHITECTURE).cloned())?;
    Some(ArchitectureKey { namespace: metadata.namespace.clone()?, name })
}
