//! Whether the volumes of a StorageClass may grow.

use super::super::{
    error::{ApplyError, ReconcileError},
    reconcile_context::ReconcileContext,
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use std::collections::BTreeMap;

/// Whether volumes may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expansion {
    Allowed,
    NotAllowed,
    /// There is no such class, or the operator may not read it: the API server knows.
    Unknown,
}

/// What was asked for during one reconcile: each class once at most.
#[derive(Debug, Default)]
pub(super) struct StorageClasses(BTreeMap<String, Expansion>);

impl StorageClasses {
    /// Whether volumes of the class may grow. It is read when that matters and not watched: that
    /// is seldom, and an operator of a few namespaces may have no right to read it.
    pub(super) async fn expansion_of(
        &mut self,
        work: &ReconcileContext<'_>,
        class: Option<&str>,
    ) -> Result<Expansion, ReconcileError> {
        let Some(name) = class.filter(|name| !name.is_empty()) else {
            return Ok(Expansion::Unknown);
        };
        if let Some(known) = self.0.get(name) {
            return Ok(*known);
        }
        let found = read_expansion(work, name).await?;
        self.0.insert(name.to_owned(), found);
        Ok(found)
    }
}

async fn read_expansion(
    work: &ReconcileContext<'_>,
    name: &str,
) -> Result<Expansion, ReconcileError> {
    let api: Api<StorageClass> = Api::all(work.shared.client.clone());
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
