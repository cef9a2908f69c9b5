//! Deletes the Architecture's objects that are no longer to be.

use super::{
    apply::Child,
    cache::Cache,
    delete::delete,
    error::Error,
    work::{Outcome, Work},
};
use crate::render::Objects;
use kube::{ResourceExt, api::DeleteParams};

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
            let result = delete(work, &*object, DeleteParams::background(), "deleting").await;
            outcome.take(result)?;
        }
    }
    Ok(())
}
