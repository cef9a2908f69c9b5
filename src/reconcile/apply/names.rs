//! Finds the names that an Architecture needs and that belong to something else, before anything is
//! written: a component must not talk to the Service of a stranger.

use super::{
    super::{context::ReconcileContext, error::ApplyError, watch::Cache},
    child::Child,
    owner::{ensure_owned, reserved_conflict, unreadable_conflict},
};
use crate::{
    observe::{Issue, IssueKind},
    render::ObjectsByKind,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use maquette_contract::keys::{LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGER};

/// Whether `live`, which has the name of `desired`, may be used; an error is whose it is.
type OwnerCheck<K> = fn(&ReconcileContext<'_>, &K, &ObjectMeta) -> Result<(), ApplyError>;

/// The names that an Architecture needs, as far as it does not have them.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct NameCheck {
    /// One for each object whose name belongs to something else.
    issues: Vec<Issue>,
    /// The objects that do not exist yet.
    missing: Vec<MissingObject>,
}

#[derive(Debug)]
struct MissingObject {
    /// Kind and name.
    display_name: String,
    component: Option<String>,
}

impl NameCheck {
    pub(in crate::reconcile) fn extend(&mut self, other: Self) {
        self.issues.extend(other.issues);
        self.missing.extend(other.missing);
    }

    /// Reserves the names of missing objects, unless there are issues. Returns the issues, each once
    /// and in the order of their messages.
    pub(in crate::reconcile) fn reserve(mut self, cx: &ReconcileContext<'_>) -> Vec<Issue> {
        if self.issues.is_empty() && !self.missing.is_empty() {
            let names: Vec<_> = self.missing.iter().map(|object| &*object.display_name).collect();
            let held = cx.shared.name_reservations.reserve_all(cx.key(), &names);
            for (name, holder) in &held {
                let mut missing = self.missing.iter();
                let component = missing
                    .find(|object| object.display_name == *name)
                    .and_then(|object| object.component.as_deref());
                self.issues.push(reserved_conflict(name, component, holder).0);
            }
        }
        self.issues.sort_by(|a, b| a.message.cmp(&b.message));
        self.issues.dedup();
        self.issues
    }
}

/// Checks the names of all `objects`.
pub(in crate::reconcile) async fn check_names(
    cx: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
) -> NameCheck {
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
        check_names_of_kind(
            cx,
            &caches.service_accounts,
            &unwatched,
            service_accounts,
            ensure_owned
        ),
        check_names_of_kind(cx, &caches.config_maps, &unwatched, config_maps, ensure_owned),
        check_names_of_kind(cx, &caches.services, &unwatched, services, ensure_owned),
        check_names_of_kind(cx, &caches.deployments, &unwatched, deployments, ensure_owned),
        check_names_of_kind(cx, &caches.stateful_sets, &unwatched, stateful_sets, ensure_owned),
        check_names_of_kind(
            cx,
            &caches.pod_disruption_budgets,
            &unwatched,
            pod_disruption_budgets,
            ensure_owned
        ),
    );
    let mut all = NameCheck::default();
    [found.0, found.1, found.2, found.3, found.4, found.5]
        .into_iter()
        .for_each(|one| all.extend(one));
    all
}

/// Checks the names of `desired`. `unwatched` selects the objects that the cache does not hold; they
/// are listed only if one of `desired` does not exist.
pub(in crate::reconcile) async fn check_names_of_kind<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    unwatched: &str,
    desired: &[K],
    check: OwnerCheck<K>,
) -> NameCheck {
    let (mut found, mut missing) = (NameCheck::default(), vec![]);
    for object in desired {
        match cache.holder_of(&cx.key().namespace, &object.name_any()) {
            Some((_, Some(holder))) => {
                found.issues.extend(name_conflict(check(cx, object, holder.metadata())));
            }
            // An unreadable object of our own is reported as such.
            Some((key, None)) if key == *cx.key() => {}
            Some((key, None)) => found.issues.push(unreadable_conflict(object, &key).0),
            None => missing.push(object),
        }
    }
    if missing.is_empty() {
        return found;
    }
    let (api, namespace) = (cx.api::<K>(), &cx.key().namespace);
    match cx.shared.foreign_objects.list(&api, namespace, unwatched).await {
        Ok(foreign) => found.issues.extend(missing.iter().filter_map(|object| {
            let live = foreign.get(&object.name_any())?;
            name_conflict(check(cx, object, live))
        })),
        Err(error) => {
            let object = format!("the list of every {}", K::kind(&()));
            found.issues.push(ApplyError::from_kube(&object, &error).0);
        }
    }
    found.missing.extend(missing.into_iter().map(|object| MissingObject {
        display_name: object.display_name(),
        component: object.labels().get(LABEL_COMPONENT).cloned(),
    }));
    found
}

/// The issue, if the name is taken. An object that is being removed is waited for when its name is
/// needed.
fn name_conflict(result: Result<(), ApplyError>) -> Option<Issue> {
    result.err().map(|ApplyError(issue)| issue).filter(|issue| issue.kind == IssueKind::NameTaken)
}
