//! What changes for all pods and all volumes.

use crate::{
    api::{PodSettings, Retention, RetentionPolicy},
    graph::{Difference, Disruption},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Settings that apply to all components.
#[derive(Clone, Copy, Debug)]
pub struct SharedSettings<'a> {
    /// The settings of every pod.
    pub pods: &'a PodSettings,
    /// When volumes are kept and when deleted.
    pub retention: &'a Retention,
}

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
    let found = [
        compare_values("image", format_image(image), format_image(&after.image)),
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
    let policies = [
        ("retention.whenDropped", before.when_dropped, after.when_dropped),
        ("retention.whenDeleted", before.when_deleted, after.when_deleted),
    ];
    let differences = policies.into_iter().filter_map(|(what, before, after)| {
        compare_values(what, format_policy(before), format_policy(after))
    });
    differences.map(|difference| Difference { takes: Disruption::Volume, ..difference }).collect()
}

/// The policy as the API names it.
fn format_policy(policy: RetentionPolicy) -> String {
    match policy {
        RetentionPolicy::Retain => "Retain".to_owned(),
        RetentionPolicy::Delete => "Delete".to_owned(),
    }
}

fn format_image(image: &Option<String>) -> String {
    image.clone().unwrap_or_else(|| "the operator's".to_owned())
}

/// None if both values are the same. Pods restart on a difference.
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
