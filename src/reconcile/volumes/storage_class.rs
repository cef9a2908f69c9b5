//! Whether the volumes of a StorageClass can grow.

use super::super::context::ReconcileContext;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use std::collections::BTreeMap;

/// Whether volumes can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expansion {
    Allowed,
    NotAllowed,
    /// The class does not exist or cannot be read: the API server decides.
    Unknown,
}

/// The StorageClasses that one reconcile has read.
#[derive(Debug, Default)]
pub(super) struct StorageClasses(BTreeMap<String, Expansion>);

impl StorageClasses {
    /// Whether volumes of this class can grow.
    pub(super) async fn expansion_of(
        &mut self,
        cx: &ReconcileContext<'_>,
        class: Option<&str>,
    ) -> Expansion {
        let Some(name) = class.filter(|name| !name.is_empty()) else {
            return Expansion::Unknown;
        };
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        // Read on demand and not watched: it is rarely needed, and an operator of a few namespaces
        // may have no right to it.
        let expansion = read_expansion(cx, name).await;
        self.0.insert(name.to_owned(), expansion);
        expansion
    }
}

async fn read_expansion(cx: &ReconcileContext<'_>, name: &str) -> Expansion {
    let api: Api<StorageClass> = Api::all(cx.shared.client.clone());
    match api.get_opt(name).await {
        Ok(Some(class)) if class.allow_volume_expansion == Some(true) => Expansion::Allowed,
        Ok(Some(_)) => Expansion::NotAllowed,
        Ok(None) | Err(_) => Expansion::Unknown,
    }
}
