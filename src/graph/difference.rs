//! How two versions of a component differ, in words. Who it calls and queries is not among it: those are
//! edges, which are compared by themselves.

use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedSource, ServiceBehavior, Volume,
};
use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity,
};
use maquette_contract::{CallMode, Collection, Hop, Routes, RequestWork};
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
    pub takes: Takes,
}

/// What it takes to make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Takes {
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
            Takes::Reroute if before == NOWHERE => write!(f, "{what} go to {after}"),
            Takes::Reroute if after == NOWHERE => write!(f, "{what} no longer go to {before}"),
            Takes::Reroute => write!(f, "{what} go to {after} instead of {before}"),
            Takes::Copy => write!(f, "{what}: {after}"),
            Takes::Restart => write!(f, "{what} from {before} to {after}; every pod restarts"),
            Takes::Reload | Takes::Scale | Takes::Volume => {
                write!(f, "{what} from {before} to {after}")
            }
        }
    }
}

/// Where requests go that nobody in reach can answer.
const NOWHERE: &str = "nowhere";

/// What differs between two versions of a component.
pub fn differences(before: &Component, after: &Component) -> Vec<Difference> {
    let mut found = Found::default();
    found.that_takes(Takes::Scale, "replicas", before.replicas, after.replicas);
    resources(&before.resources, &after.resources, &mut found);
    match (&before.behavior, &after.behavior) {
        (Behavior::Service(before), Behavior::Service(after)) => service(before, after, &mut found),
        (Behavior::Store(before), Behavior::Store(after)) => {
            volume(&before.storage, &after.storage, &mut found);
        }
        (Behavior::Peer(before), Behavior::Peer(after)) => peer(before, after, &mut found),
        (Behavior::Load(before), Behavior::Load(after)) => load(before, after, &mut found),
        _ => found.add("role", before.role(), after.role()),
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, what: impl Into<String>, before: impl ToString, after: impl ToString) {
        self.that_takes(Takes::Reload, what, before, after);
    }

    fn that_takes(
        &mut self,
        takes: Takes,
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

fn resources(before: &ResourceRequirements, after: &ResourceRequirements, found: &mut Found) {
    let lists =
        [("request", &before.requests, &after.requests), ("limit", &before.limits, &after.limits)];
    for (collection, before, after) in lists {
        let names: BTreeSet<_> = before.iter().chain(after).flat_map(BTreeMap::keys).collect();
        for name in names {
            let (before, after) = (amount(before.as_ref(), name), amount(after.as_ref(), name));
            found.that_takes(Takes::Restart, format!("{name} {collection}"), before, after);
        }
    }
}

fn amount(amounts: Option<&BTreeMap<String, Quantity>>, name: &str) -> String {
    let amount = amounts.and_then(|amounts| amounts.get(name));
    amount.map_or_else(|| "none".to_owned(), |amount| amount.0.clone())
}

fn service(before: &ServiceBehavior, after: &ServiceBehavior, found: &mut Found) {
    work(&before.work, &after.work, found);
    found.add("mode of calls", mode(before.mode), mode(after.mode));
    routes(&before.routes, &after.routes, found);
    origins(&before.migration_sources, &after.migration_sources, found);
}

fn mode(mode: CallMode) -> &'static str {
    match mode {
        CallMode::Sequential => "one after another",
        CallMode::Parallel => "all at once",
    }
}

fn work(before: &RequestWork, after: &RequestWork, found: &mut Found) {
    let time = |work: &RequestWork| match work.processing_time {
        None => "none".to_owned(),
        Some(time) => {
            let times = [time.p50_micros, time.p90_micros, time.p99_micros].map(duration);
            times.join("/")
        }
    };
    found.add("processing time", time(before), time(after));
    let bytes = |work: &RequestWork| format!("{} bytes", work.response_bytes);
    found.add("response size", bytes(before), bytes(after));
}

fn duration(micros: u64) -> String {
    match (micros % 1_000_000, micros % 1_000) {
        (0, _) => format!("{}s", micros / 1_000_000),
        (_, 0) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

/// Which way requests go, by collection.
fn routes(before: &Routes, after: &Routes, found: &mut Found) {
    let collections: BTreeSet<&Collection> =
        before.collections.keys().chain(after.collections.keys()).collect();
    for collection in &collections {
        let (before, after) = (way(before.next_hop(collection)), way(after.next_hop(collection)));
        found.that_takes(Takes::Reroute, format!("requests for {collection}"), before, after);
    }
    let rest =
        if collections.is_empty() { "all requests" } else { "requests for other collections" };
    let (before, after) = (way(before.rest.as_ref()), way(after.rest.as_ref()));
    found.that_takes(Takes::Reroute, rest, before, after);
}

fn way(hop: Option<&Hop>) -> String {
    match hop {
        None => NOWHERE.to_owned(),
        Some(Hop::Own) => "its own store".to_owned(),
        Some(Hop::Call(to)) => to.to_string(),
    }
}

/// Edges say from whom items are taken over; what they do not say is which copy it is.
fn origins(before: &[PlannedSource], after: &[PlannedSource], found: &mut Found) {
    let copy = |origin: &PlannedSource| if origin.final_pass { "the last pass" } else { "a first pass" };
    for old in before {
        if let Some(new) = after.iter().find(|new| new.component == old.component) {
            let what = format!("copy from {}", old.component);
            found.that_takes(Takes::Copy, what, copy(old), copy(new));
        }
    }
}

fn volume(before: &Volume, after: &Volume, found: &mut Found) {
    found.that_takes(Takes::Volume, "volume", &before.size, &after.size);
    let class = |volume: &Volume| volume.storage_class.clone().unwrap_or("the default".to_owned());
    found.that_takes(Takes::Volume, "StorageClass", class(before), class(after));
}

fn peer(before: &PeerBehavior, after: &PeerBehavior, found: &mut Found) {
    work(&before.work, &after.work, found);
    found.add("peers that hold items", before.members, after.members);
    found.add("copies of each item", before.replication_factor, after.replication_factor);
    volume(&before.storage, &after.storage, found);
    origins(&before.migration_sources, &after.migration_sources, found);
}

fn load(before: &LoadBehavior, after: &LoadBehavior, found: &mut Found) {
    found.add("requests/s", before.requests_per_second, after.requests_per_second);
    let percent = |percent: maquette_contract::Percent| format!("{}%", percent.get());
    found.add("writes", percent(before.write_percent), percent(after.write_percent));
    found.add("summaries", percent(before.summary_percent), percent(after.summary_percent));
    found.add("items", before.items, after.items);
    let collections = |load: &LoadBehavior| {
        load.collections.iter().map(Collection::to_string).collect::<Vec<_>>().join(", ")
    };
    found.add("collections", collections(before), collections(after));
}
