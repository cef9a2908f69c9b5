//! What changes of every pod and every volume alike.

use crate::{
    api::{PodSettings, Retention, RetentionPolicy},
    graph::{Difference, Disruption},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Settings that are of no one component.
#[derive(Clone, Copy, Debug)]
pub struct SharedSettings<'a> {
    /// What every pod gets.
    pub pods: &'a PodSettings,
    /// What becomes of volumes.
    pub retention: &'a Retention,
}

/// What differs between two settings.
pub(super) fn settings_differences(
    before: SharedSettings<'_>,
    after: SharedSettings<'_>,
) -> Vec<Difference> {
    pod_differences(before.pods, after.pods)
        .into_iter()
        .chain(retention_differences(before.retention, after.retention))
        .collect()
}

fn pod_differences(before: &PodSettings, after: &PodSettings) -> Vec<Difference> {
    let PodSettings {
        labels,
        annotations,
        node_selector,
        tolerations,
        image_pull_secrets,
        image,
        image_pull_policy,
    } = before;
    let operators =
        |image: &Option<String>| image.clone().unwrap_or_else(|| "the operator's".to_owned());
    let found = [
        compare_values("image", operators(image), operators(&after.image)),
        compare_values(
            "imagePullPolicy",
            format_json(image_pull_policy),
            format_json(&after.image_pull_policy),
        ),
        compare_values(
            "imagePullSecrets",
            format_json(image_pull_secrets),
            format_json(&after.image_pull_secrets),
        ),
        compare_values("labels", format_pairs(labels), format_pairs(&after.labels)),
        compare_values("annotations", format_pairs(annotations), format_pairs(&after.annotations)),
        compare_values(
            "nodeSelector",
            format_pairs(node_selector),
            format_pairs(&after.node_selector),
        ),
        compare_values("tolerations", format_json(tolerations), format_json(&after.tolerations)),
    ];
    found.into_iter().flatten().collect()
}

fn retention_differences(before: &Retention, after: &Retention) -> Vec<Difference> {
    let fate = |fate: RetentionPolicy| format!("{fate:?}");
    let found = [
        ("retention.whenDropped", fate(before.when_dropped), fate(after.when_dropped)),
        ("retention.whenDeleted", fate(before.when_deleted), fate(after.when_deleted)),
    ];
    let found =
        found.into_iter().filter_map(|(what, before, after)| compare_values(what, before, after));
    found.map(|difference| Difference { takes: Disruption::Volume, ..difference }).collect()
}

fn compare_values(what: &str, before: String, after: String) -> Option<Difference> {
    let differs = before != after;
    differs.then(|| Difference { what: what.to_owned(), before, after, takes: Disruption::Restart })
}

fn format_pairs(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".to_owned() } else { pairs.join(", ") }
}

fn format_json(value: &impl Serialize) -> String {
    match serde_json::to_string(value) {
        Ok(text) if !["null", "[]"].contains(&text.as_str()) => text,
        _ => "none".to_owned(),
    }
}
