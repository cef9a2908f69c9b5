//! Another client that changes a field of ours again and again: it is named, and the field is
//! repaired more rarely, so that the two do not restart pods all the time.

use super::{
    super::{context::ReconcileContext, error::ApplyError, state::Repairs},
    child::Child,
};
use crate::observe::IssueKind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{Api, ResourceExt};
use maquette_contract::keys::FIELD_MANAGER;
use serde_json::Value;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// This number of repairs of one field within the window is a fight.
const MAX_REPAIRS: usize = 5;
const WINDOW: Duration = Duration::from_secs(120);
/// The shortest interval of repairs during a fight.
const FIGHT_INTERVAL: Duration = Duration::from_secs(60);

/// Counts one repair of `field` to what `desired` has. A write of another `desired` is no repair.
///
/// # Errors
/// An issue that names the other client, if the field was repaired too often lately and a moment
/// ago: then it is not repaired now.
pub(super) async fn record_repair<K: Child>(
    cx: &ReconcileContext<'_>,
    desired: &K,
    field: &str,
) -> Result<(), ApplyError> {
    let key = (desired.display_name(), field.to_owned());
    let (now, hash) = (Instant::now(), content_hash(desired));
    let is_fight = cx.with_state(|state| {
        state.repairs.retain(|_, repairs| {
            repairs.times.retain(|at| now.duration_since(*at) < WINDOW);
            !repairs.times.is_empty()
        });
        let repairs = state.repairs.entry(key).or_default();
        if repairs.desired != hash {
            *repairs = Repairs { desired: hash, times: vec![] };
        }
        let times = &mut repairs.times;
        let is_recent = times.last().is_some_and(|at| now.duration_since(*at) < FIGHT_INTERVAL);
        let is_fight = times.len() >= MAX_REPAIRS && is_recent;
        if !is_fight {
            times.push(now);
        }
        is_fight
    });
    if !is_fight {
        return Ok(());
    }
    let api: Api<K> = cx.api();
    let metadata = api.get_metadata(&desired.name_any()).await.map(|object| object.metadata);
    let entries = metadata.ok().and_then(|metadata| metadata.managed_fields).unwrap_or_default();
    let by = foreign_manager(&entries, field)
        .map_or_else(|| "another client".to_owned(), |manager| format!("field manager {manager}"));
    Err(ApplyError::from_issue(
        IssueKind::Conflict,
        format!(
            "{}: {by} changes {field} again and again; it is repaired once a minute until that \
             stops: let that client leave the field alone",
            desired.display_name()
        ),
    ))
}

fn content_hash<K: Child>(object: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(object).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
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
