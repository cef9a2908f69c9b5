//! Whether the volumes of a StorageClass may grow.

use super::super::{
    error::{Error, Failure},
    work::Work,
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
pub(super) struct Classes(BTreeMap<String, Expansion>);

impl Classes {
    /// Whether volumes of the class may grow. It is read when that matters and not watched: that
    /// is seldom, and an operator of a few namespaces may have no right to read it.
    pub(super) async fn expansion(
        &mut self,
        work: &Work<'_>,
        class: Option<&str>,
    ) -> Result<Expansion, Error> {
        let Some(name) = class.filter(|name| !name.is_empty()) else {
            return Ok(Expansion::Unknown);
        };
        if let Some(known) = self.0.get(name) {
            return Ok(*known);
        }
        let found = read(work, name).await?;
        self.0.insert(name.to_owned(), found);
        Ok(found)
    }
}

async fn read(work: &Work<'_>, name: &str) -> Result<Expansion, Error> {
    let api: Api<StorageClass> = Api::all(work.cx.client.clone());
    match api.get_opt(name).await {
        Ok(Some(class)) if class.allow_volume_expansion == Some(true) => Ok(Expansion::Allowed),
        Ok(Some(_)) => Ok(Expansion::NotAllowed),
        Ok(None) => Ok(Expansion::Unknown),
        Err(error) => match Failure::of(name, error) {
            Failure::Trouble(_) => Ok(Expansion::Unknown),
            Failure::Unreachable(error) => Err(Error::Unreachable(error)),
        },
    }
}
