//! Whether the volumes of a StorageClass can grow.

use super::super::{
    context::ReconcileContext,
    error::{ApplyError, ReconcileError},
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use std::collections::BTreeMap;

/// Whether volumes can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expansion {
    Allowed,
    NotAllowed,
    /// The class does not exist or the operator may not read it: the API server decides.
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
    ) -> Result<Expansion, ReconcileError> {
        let Some(name) = class.filter(|name| !name.is_empty()) else {
            return Ok(Expansion::Unknown);
        };
        if let Some(known) = self.0.get(name) {
            return Ok(*known);
        }
        // Read on demand and not watched: it is rarely needed, and an operator of a few namespaces
        // may have no right to it.
        let expansion = read_expansion(cx, name).await?;
        self.0.insert(name.to_owned(), expansion);
        Ok(expansion)
    }
}

async fn read_expansion(
    cx: &ReconcileContext<'_>,
    name: &str,
) -> Result<Expansion, ReconcileError> {
    let api: Api<StorageClass> = Api::all(cx.shared.client.clone());
    match api.get_opt(name).await {
        Ok(Some(class)) if class.allow_volume_expansion == Some(true) => Ok(Expansion::Allowed),
        Ok(Some(_)) => Ok(Expansion::NotAllowed),
        Ok(None) => Ok(Expansion::Unknown),
        Err(error) => match ApplyError::from_kube(name, error) {
            ApplyError::Issue(_) => Ok(Expansion::Unknown),
            ApplyError::Unreachable(error) => Err(ReconcileError::Unreachable(error)),
        },
    }
}
