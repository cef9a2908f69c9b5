//! How two versions of a component differ, in words. Who it calls and queries is not among it: those are
//! edges, which are compared by themselves.

use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedSource, ServiceBehavior, Volume,
};
use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity,
};
use maquette_contract::{CallMode, Collection, Hop, RequestWork, Routes};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Something that is not the same of a component before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// As it was.
    pub before: String,
    /// As it will be.
    pub after: String,
    /// What it takes.
    pub takes: Disruption,
}

/// What it takes to make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Disruption {
    /// Pods load it while they run.
    Reload,
    /// The same, and requests go another way.
    Reroute,
    /// The same, and a copy of items begins anew.
    Copy,
    /// Pods come or go.
    Scale,
    /// Every pod restarts.
    Restart,
    /// Volumes change.
    Volume,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, before, after, takes } = self;
        match takes {
            Disruption::Reroute if before == NOWHERE => write!(f, "{what} go to {after}"),
            Disruption::Reroute if after == NOWHERE => write!(f, "{what} no longer go to {before}"),
            Disruption::Reroute => write!(f, "{what} go to {after} instead of {before}"),
            Disruption::Copy => write!(f, "{what}: {after}"),
            Disruption::Restart => write!(f, "{what} from {before} to {after}; every pod restarts"),
            Disruption::Reload | Disruption::Scale | Disruption::Volume => {
                write!(f, "{what} from {before} to {after}")
            }
        }
    }
}

/// Where requests go that nobody in reach can answer.
const NOWHERE: &str = "nowhere";

/// What differs between two versions of a component.
pub fn component_differences(before: &Component, after: &Component) -> Vec<Difference> {
    let mut found = DifferenceList::default();
    found.add_if_changed(Disruption::Scale, "replicas", before.replicas, after.replicas);
    compare_resources(&before.resources, &after.resources, &mut found);
    match (&before.behavior, &after.behavior) {
        (Behavior::Service(before), Behavior::Service(after)) => {
            compare_service(before, after, &mut found)
        }
        (Behavior::Store(before), Behavior::Store(after)) => {
            compare_volume(&before.storage, &after.storage, &mut found);
        }
        (Behavior::Peer(before), Behavior::Peer(after)) => compare_peer(before, after, &mut found),
        (Behavior::Load(before), Behavior::Load(after)) => compare_load(before, after, &mut found),
        _ => found.add_reload("role", before.role(), after.role()),
    }
    found.0
}

#[derive(Default)]
struct DifferenceList(Vec<Difference>);

impl DifferenceList {
    fn add_reload(&mut self, what: impl Into<String>, before: impl ToString, after: impl ToString) {
        self.add_if_changed(Disruption::Reload, what, before, after);
    }

    fn add_if_changed(
        &mut self,
        takes: Disruption,
        what: impl Into<String>,
        before: impl ToString,
        after: impl ToString,
    ) {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after {
            self.0.push(Difference { what: what.into(), before, after, takes });
        }
    }
}

fn compare_resources(
    before: &ResourceRequirements,
    after: &ResourceRequirements,
    found: &mut DifferenceList,
) {
    let lists =
        [("request", &before.requests, &after.requests), ("limit", &before.limits, &after.limits)];
    for (collection, before, after) in lists {
        let names: BTreeSet<_> = before.iter().chain(after).flat_map(BTreeMap::keys).collect();
        for name in names {
            let (before, after) =
                (quantity_text(before.as_ref(), name), quantity_text(after.as_ref(), name));
            found.add_if_changed(
                Disruption::Restart,
                format!("{name} {collection}"),
                before,
                after,
            );
        }
    }
}

fn quantity_text(amounts: Option<&BTreeMap<String, Quantity>>, name: &str) -> String {
    let amount = amounts.and_then(|amounts| amounts.get(name));
    amount.map_or_else(|| "none".to_owned(), |amount| amount.0.clone())
}

fn compare_service(before: &ServiceBehavior, after: &ServiceBehavior, found: &mut DifferenceList) {
    compare_work(&before.work, &after.work, found);
    found.add_reload("mode of calls", mode_text(before.mode), mode_text(after.mode));
    compare_routes(&before.routes, &after.routes, found);
    compare_migrations(&before.migration_sources, &after.migration_sources, found);
}

fn mode_text(mode: CallMode) -> &'static str {
    match mode {
        CallMode::Sequential => "one after another",
        CallMode::Parallel => "all at once",
    }
}

fn compare_work(before: &RequestWork, after: &RequestWork, found: &mut DifferenceList) {
    let time = |work: &RequestWork| match work.processing_time {
        None => "none".to_owned(),
        Some(time) => {
            let times = [time.p50_micros, time.p90_micros, time.p99_micros].map(duration_text);
            times.join("/")
        }
    };
    found.add_reload("processing time", time(before), time(after));
    let bytes = |work: &RequestWork| format!("{} bytes", work.response_bytes);
    found.add_reload("response size", bytes(before), bytes(after));
}

fn duration_text(micros: u64) -> String {
    match (micros % 1_000_000, micros % 1_000) {
        (0, _) => format!("{}s", micros / 1_000_000),
        (_, 0) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

/// Which way requests go, by collection.
fn compare_routes(before: &Routes, after: &Routes, found: &mut DifferenceList) {
    let collections: BTreeSet<&Collection> =
        before.collections.keys().chain(after.collections.keys()).collect();
    for collection in &collections {
        let (before, after) =
            (hop_text(before.next_hop(collection)), hop_text(after.next_hop(collection)));
        found.add_if_changed(
            Disruption::Reroute,
            format!("requests for {collection}"),
            before,
            after,
        );
    }
    let rest =
        if collections.is_empty() { "all requests" } else { "requests for other collections" };
    let (before, after) = (hop_text(before.rest.as_ref()), hop_text(after.rest.as_ref()));
    found.add_if_changed(Disruption::Reroute, rest, before, after);
}

fn hop_text(hop: Option<&Hop>) -> String {
    match hop {
        None => NOWHERE.to_owned(),
        Some(Hop::Own) => "its own store".to_owned(),
        Some(Hop::Call(to)) => to.to_string(),
    }
}

/// Edges say from whom items are taken over; what they do not say is which copy it is.
fn compare_migrations(
    before: &[PlannedSource],
    after: &[PlannedSource],
    found: &mut DifferenceList,
) {
    let copy =
        |origin: &PlannedSource| if origin.final_pass { "the last pass" } else { "a first pass" };
    for old in before {
        if let Some(new) = after.iter().find(|new| new.component == old.component) {
            let what = format!("copy from {}", old.component);
            found.add_if_changed(Disruption::Copy, what, copy(old), copy(new));
        }
    }
}

fn compare_volume(before: &Volume, after: &Volume, found: &mut DifferenceList) {
    found.add_if_changed(Disruption::Volume, "volume", &before.size, &after.size);
    let class = |volume: &Volume| volume.storage_class.clone().unwrap_or("the default".to_owned());
    found.add_if_changed(Disruption::Volume, "StorageClass", class(before), class(after));
}

fn compare_peer(before: &PeerBehavior, after: &PeerBehavior, found: &mut DifferenceList) {
    compare_work(&before.work, &after.work, found);
    found.add_reload("peers that hold items", before.members, after.members);
    found.add_reload("copies of each item", before.replication_factor, after.replication_factor);
    compare_volume(&before.storage, &after.storage, found);
    compare_migrations(&before.migration_sources, &after.migration_sources, found);
}

fn compare_load(before: &LoadBehavior, after: &LoadBehavior, found: &mut DifferenceList) {
    found.add_reload("requests/s", before.requests_per_second, after.requests_per_second);
    let percent = |percent: maquette_contract::Percent| format!("{}%", percent.get());
    found.add_reload("writes", percent(before.write_percent), percent(after.write_percent));
    found.add_reload("summaries", percent(before.summary_percent), percent(after.summary_percent));
    found.add_reload("items", before.items, after.items);
    let collections = |load: &LoadBehavior| {
        load.collections.iter().map(Collection::to_string).collect::<Vec<_>>().join(", ")
    };
    found.add_reload("collections", collections(before), collections(after));
}
