//! Deletes the Architecture's objects that are no longer to be.

use super::{
    apply::Child,
    cache::Cache,
    error::{Error, Failure},
    key::is_controlled_by,
    work::{Outcome, Work},
};
use crate::render::Objects;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

/// Deletes what the Architecture owns and what is not among `objects`. Nothing goes while something
/// that is to come in its place has trouble or cannot come.
pub(super) async fn all(
    work: &Work<'_>,
    objects: &Objects,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    if !outcome.may_remove() {
        return Ok(());
    }
    // Its name is the Architecture's: there is no other.
    let Objects {
        service_accounts: _,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &work.cx.caches;
    kind(work, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await?;
    kind(work, &caches.deployments, deployments, outcome).await?;
    kind(work, &caches.stateful_sets, stateful_sets, outcome).await?;
    kind(work, &caches.services, services, outcome).await?;
    kind(work, &caches.config_maps, config_maps, outcome).await
}

async fn kind<K: Child>(
    work: &Work<'_>,
    cache: &Cache<K>,
    wanted: &[K],
    outcome: &mut Outcome,
) -> Result<(), Error> {
    for object in work.owned(cache) {
        let is_wanted = wanted.iter().any(|wanted| wanted.name_any() == object.name_any());
        if is_wanted {
            work.keeps(object.metadata());
        } else if object.metadata().deletion_timestamp.is_none() {
            let result = delete(work, &*object).await;
            outcome.take(result)?;
        }
    }
    Ok(())
}

async fn delete<K: Child>(work: &Work<'_>, object: &K) -> Result<(), Failure> {
    let api: Api<K> = work.api();
    let (name, failure) = (object.name_any(), |error| Failure::of(&object.title(), error));
    let Some(live) = api.get_metadata_opt(&name).await.map_err(failure)? else { return Ok(()) };
    let same = live.metadata.uid == object.metadata().uid;
    if !same || !is_controlled_by(&live.metadata, work.uid()) {
        return Ok(());
    }
    tracing::info!(architecture = %work.key(), object = object.title(), "deleting");
    work.deletes(object.metadata());
    let same = Preconditions { uid: live.metadata.uid, resource_version: None };
    match api.delete(&name, &DeleteParams::background().preconditions(same)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => {
            work.keeps(object.metadata());
            Err(failure(error))
        }
    }
}
