//! Finds the names that an Architecture needs and that belong to something else, before anything is
//! written: a component must not talk to the Service of a stranger.

use super::{
    super::{context::ReconcileContext, error::ApplyError, watch::Cache},
    child::Child,
    owner::{ensure_owned, unreadable_conflict},
};
use crate::{
    observe::{Issue, IssueKind},
    render::ObjectsByKind,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use maquette_contract::keys::{LABEL_MANAGED_BY, MANAGER};

/// Whether `live`, which has the name of `desired`, may be used; an error is whose it is.
type OwnerCheck<K> = fn(&ReconcileContext<'_>, &K, &ObjectMeta) -> Result<(), ApplyError>;

/// One issue for each of `objects` whose name belongs to something else.
pub(in crate::reconcile) async fn find_name_conflicts(
    cx: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
) -> Vec<Issue> {
    let ObjectsByKind {
        service_accounts,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &cx.shared.caches;
    let unwatched = format!("{LABEL_MANAGED_BY}!={MANAGER}");
    let found = futures::join!(
        conflicts_of_kind(cx, &caches.service_accounts, &unwatched, service_accounts, ensure_owned),
        conflicts_of_kind(cx, &caches.config_maps, &unwatched, config_maps, ensure_owned),
        conflicts_of_kind(cx, &caches.services, &unwatched, services, ensure_owned),
        conflicts_of_kind(cx, &caches.deployments, &unwatched, deployments, ensure_owned),
        conflicts_of_kind(cx, &caches.stateful_sets, &unwatched, stateful_sets, ensure_owned),
        conflicts_of_kind(
            cx,
            &caches.pod_disruption_budgets,
            &unwatched,
            pod_disruption_budgets,
            ensure_owned
        ),
    );
    [found.0, found.1, found.2, found.3, found.4, found.5].concat()
}

/// One issue for each of `desired` whose name belongs to something else. `unwatched` selects the
/// objects that the cache does not hold; they are listed only if one of `desired` does not exist.
pub(in crate::reconcile) async fn conflicts_of_kind<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    unwatched: &str,
    desired: &[K],
    check: OwnerCheck<K>,
) -> Vec<Issue> {
    let (mut issues, mut missing) = (vec![], vec![]);
    for object in desired {
        match cache.holder_of(&cx.key().namespace, &object.name_any()) {
            Some((_, Some(holder))) => {
                issues.extend(conflict(check(cx, object, holder.metadata())));
            }
            // An unreadable object of our own is reported as such.
            Some((key, None)) if key == *cx.key() => {}
            Some((key, None)) => issues.push(unreadable_conflict(object, &key).0),
            None => missing.push(object),
        }
    }
    if missing.is_empty() {
        return issues;
    }
    let (api, namespace) = (cx.api::<K>(), &cx.key().namespace);
    match cx.shared.foreign_objects.list(&api, namespace, unwatched).await {
        Ok(foreign) => issues.extend(missing.iter().filter_map(|object| {
            let live = foreign.get(&object.name_any())?;
            conflict(check(cx, object, live))
        })),
        Err(error) => {
            let object = format!("the list of every {}", K::kind(&()));
            issues.push(ApplyError::from_kube(&object, &error).0);
        }
    }
    issues
}

/// The issue, if it is a conflict. An object that is being removed is waited for when its name is
/// needed.
fn conflict(result: Result<(), ApplyError>) -> Option<Issue> {
    result.err().map(|ApplyError(issue)| issue).filter(|issue| issue.kind == IssueKind::NameTaken)
}
