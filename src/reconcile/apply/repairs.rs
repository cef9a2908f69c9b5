//! Another client that reverts each repair of a field: it is named, and the field is repaired once
//! a minute, so that the two do not restart pods all the time.

use super::{
    super::{context::ReconcileContext, error::ApplyError, state::Repairs},
    child::{Child, content_hash},
};
use crate::observe::IssueKind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{Api, ResourceExt};
use maquette_contract::keys::FIELD_MANAGER;
use serde_json::Value;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// This number of repairs of one field within the window is a fight.
const MAX_REPAIRS: usize = 5;
/// During a fight a repair succeeds at least every 2 min, with the back-off between attempts: the
/// window has [`MAX_REPAIRS`] of them, so that a fight stays one until the other client stops.
const WINDOW: Duration = Duration::from_secs(600);
/// The shortest interval of repairs during a fight.
const FIGHT_INTERVAL: Duration = Duration::from_secs(60);

/// A repair that may be made now.
#[derive(Debug)]
pub(super) struct Repair {
    key: (String, String),
    /// The hash of the object to apply. A write of another one is no repair.
    desired: u64,
}

/// Checks whether `field` may be set to what `desired` has. The caller records the repair once the
/// write succeeded: an attempt that fails is none.
///
/// # Errors
/// An issue that names the other client, if the field was repaired too often within the window and
/// less than [`FIGHT_INTERVAL`] ago.
pub(super) async fn check_repair<K: Child>(
    cx: &ReconcileContext<'_>,
    desired: &K,
    field: &str,
) -> Result<Repair, ApplyError> {
    let key = (desired.display_name(), field.to_owned());
    let repair = Repair { key, desired: content_hash(desired) };
    let fight = cx.with_state(|state| find_fight(&mut state.repairs, &repair, Instant::now()));
    let Some(Fight { count, since }) = fight else { return Ok(repair) };
    let api: Api<K> = cx.api();
    let metadata = api.get_metadata(&desired.name_any()).await.map(|object| object.metadata);
    let entries = metadata.ok().and_then(|metadata| metadata.managed_fields).unwrap_or_default();
    let by = foreign_manager(&entries, field)
        .map_or_else(|| "another client".to_owned(), |manager| format!("field manager {manager}"));
    Err(ApplyError::from_issue(
        IssueKind::Conflict,
        format!(
            "{}: {by} changes {field}: it differed again after each of {count} repairs in the \
             last {} s. It is repaired once a minute until that stops: let that client leave the \
             field alone",
            desired.display_name(),
            since.as_secs()
        ),
    ))
}

/// Counts a repair whose write succeeded.
pub(super) fn record_repair(cx: &ReconcileContext<'_>, repair: Repair) {
    cx.with_state(|state| count_repair(&mut state.repairs, repair, Instant::now()));
}

/// By object and field.
type RepairsByField = HashMap<(String, String), Repairs>;

/// Repairs that another client reverted.
#[derive(Debug, PartialEq, Eq)]
struct Fight {
    count: usize,
    /// The time since the first of them.
    since: Duration,
}

/// The fight because of which `repair` must not be made at `now`. Drops what is older than the
/// window.
fn find_fight(all: &mut RepairsByField, repair: &Repair, now: Instant) -> Option<Fight> {
    all.retain(|_, repairs| {
        repairs.times.retain(|at| now.duration_since(*at) < WINDOW);
        !repairs.times.is_empty()
    });
    let repairs = all.get(&repair.key).filter(|repairs| repairs.desired == repair.desired)?;
    let (first, last) = (repairs.times.first()?, repairs.times.last()?);
    let is_recent = now.duration_since(*last) < FIGHT_INTERVAL;
    let count = repairs.times.len();
    (count >= MAX_REPAIRS && is_recent).then(|| Fight { count, since: now.duration_since(*first) })
}

fn count_repair(all: &mut RepairsByField, repair: Repair, now: Instant) {
    let repairs = all.entry(repair.key).or_default();
    if repairs.desired != repair.desired {
        *repairs = Repairs { desired: repair.desired, times: vec![] };
    }
    repairs.times.push(now);
}

/// The manager that changed the field last, or else the object.
fn foreign_manager(entries: &[ManagedFieldsEntry], field: &str) -> Option<String> {
    let foreign = entries.iter().filter(|entry| {
        entry.manager.as_deref() != Some(FIELD_MANAGER)
            && entry.subresource.as_deref() != Some("status")
    });
    let newest = foreign
        .max_by_key(|entry| (has_field(entry, field), entry.time.as_ref().map(|time| time.0)))?;
    newest.manager.clone()
}

fn has_field(entry: &ManagedFieldsEntry, field: &str) -> bool {
    let Some(fields) = &entry.fields_v1 else { return false };
    let mut at = vec![&fields.0];
    // `a.b[key].c`: the key of an entry is written otherwise in managed fields, so any matches.
    for part in field.split('.') {
        let (name, key) =
            part.split_once('[').map_or((part, None), |(name, key)| (name, Some(key)));
        at = at.into_iter().filter_map(|value| value.get(format!("f:{name}"))).collect();
        if key.is_some() {
            at = at.into_iter().filter_map(Value::as_object).flat_map(|map| map.values()).collect();
        }
    }
    !at.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_repairs_that_succeeded_are_a_fight_and_it_lasts_with_one_a_minute() {
        let repair = |desired| Repair { key: ("Service a".into(), "spec.x".into()), desired };
        let (mut all, start) = (HashMap::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            assert_eq!(find_fight(&mut all, &repair(1), at(second)), None, "none succeeded");
        }
        for second in 0..5 {
            assert_eq!(find_fight(&mut all, &repair(1), at(second)), None);
            count_repair(&mut all, repair(1), at(second));
        }
        let fight = Fight { count: 5, since: Duration::from_secs(15) };
        assert_eq!(find_fight(&mut all, &repair(1), at(15)), Some(fight));
        assert_eq!(find_fight(&mut all, &repair(2), at(15)), None, "another specification");
        for minute in 2..60 {
            assert_eq!(find_fight(&mut all, &repair(1), at(minute * 60)), None);
            count_repair(&mut all, repair(1), at(minute * 60));
            assert!(find_fight(&mut all, &repair(1), at(minute * 60 + 1)).is_some(), "{minute}");
        }
        assert_eq!(find_fight(&mut all, &repair(1), at(2 * 3600)), None);
        assert!(all.is_empty());
    }

    #[test]
    fn the_manager_of_the_field_is_named() {
        let entry = |manager: &str, fields: Value| -> ManagedFieldsEntry {
            serde_json::from_value(json!({"manager": manager, "fieldsV1": fields})).unwrap()
        };
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"workload\"}": {"f:image": {}}}}}}});
        let entries = [
            entry("a", json!({"f:metadata": {}})),
            entry("argocd-controller", image.clone()),
            entry(FIELD_MANAGER, image),
        ];
        let field = "spec.template.spec.containers[workload].image";
        assert_eq!(foreign_manager(&entries, field).as_deref(), Some("argocd-controller"));
    }
}
