//! What changes of every pod and every volume alike.

use crate::{
    api::{Fate, PodSettings, Retention},
    graph::{Difference, Takes},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Settings that are of no one component.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// What every pod gets.
    pub pods: &'a PodSettings,
    /// What becomes of volumes.
    pub retention: &'a Retention,
}

/// What differs between two settings.
pub(super) fn differences(before: Settings<'_>, after: Settings<'_>) -> Vec<Difference> {
    pods(before.pods, after.pods)
        .into_iter()
        .chain(retention(before.retention, after.retention))
        .collect()
}

fn pods(before: &PodSettings, after: &PodSettings) -> Vec<Difference> {
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
        difference("image", operators(image), operators(&after.image)),
        difference("imagePullPolicy", json(image_pull_policy), json(&after.image_pull_policy)),
        difference("imagePullSecrets", json(image_pull_secrets), json(&after.image_pull_secrets)),
        difference("labels", pairs(labels), pairs(&after.labels)),
        difference("annotations", pairs(annotations), pairs(&after.annotations)),
        difference("nodeSelector", pairs(node_selector), pairs(&after.node_selector)),
        difference("tolerations", json(tolerations), json(&after.tolerations)),
    ];
    found.into_iter().flatten().collect()
}

fn retention(before: &Retention, after: &Retention) -> Vec<Difference> {
    let fate = |fate: Fate| format!("{fate:?}");
    let found = [
        ("retention.whenDropped", fate(before.when_dropped), fate(after.when_dropped)),
        ("retention.whenDeleted", fate(before.when_deleted), fate(after.when_deleted)),
    ];
    let found =
        found.into_iter().filter_map(|(what, before, after)| difference(what, before, after));
    found.map(|difference| Difference { takes: Takes::Volume, ..difference }).collect()
}

fn difference(what: &str, before: String, after: String) -> Option<Difference> {
    let differs = before != after;
    differs.then(|| Difference { what: what.to_owned(), before, after, takes: Takes::Restart })
}

fn pairs(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".to_owned() } else { pairs.join(", ") }
}

fn json(value: &impl Serialize) -> String {
    match serde_json::to_string(value) {
        Ok(text) if !["null", "[]"].contains(&text.as_str()) => text,
        _ => "none".to_owned(),
    }
}
