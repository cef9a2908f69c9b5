//! How two versions of a component differ, in words. It never looks at edges: `compare` does.

use super::collections::join_names;
use crate::plan::{
    Behavior, Component, LoadBehavior, PeerBehavior, PlannedSource, ServiceBehavior, Volume,
};
use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity,
};
use maquette_contract::{
    Arrivals, CallMode, ClosedLoop, Collection, Hop, Percent, Ramp, RequestWork, Routes,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A property of a component that differs before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The property, such as `replicas` or `requests for orders`.
    pub what: String,
    /// Its value before the change, for people.
    pub before: String,
    /// Its value after the change, for people.
    pub after: String,
    /// What it takes to apply the difference.
    pub takes: Disruption,
}

/// What it takes to apply a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Disruption {
    /// Pods load the new configuration without a restart.
    Reload,
    /// As Reload, and requests take another path.
    Reroute,
    /// As Reload, and a copy of items starts again.
    Copy,
    /// Pods are added or removed.
    Scale,
    /// Every pod of the component restarts.
    Restart,
    /// The size or the StorageClass of PersistentVolumeClaims differs.
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

/// The destination of requests that no component in reach can answer.
const NOWHERE: &str = "nowhere";

/// The differences of two versions of a component; empty if they differ in nothing but edges.
pub fn component_differences(before: &Component, after: &Component) -> Vec<Difference> {
    let mut list = DifferenceList::default();
    list.add_if_changed(Disruption::Scale, "replicas", before.replicas, after.replicas);
    list.compare_resources(&before.resources, &after.resources);
    match (&before.behavior, &after.behavior) {
        (Behavior::Service(before), Behavior::Service(after)) => {
            list.compare_service(before, after)
        }
        (Behavior::Store(before), Behavior::Store(after)) => {
            list.compare_volume(&before.storage, &after.storage);
        }
        (Behavior::Peer(before), Behavior::Peer(after)) => list.compare_peer(before, after),
        (Behavior::Load(before), Behavior::Load(after)) => list.compare_load(before, after),
        _ => list.add_reload("role", before.role(), after.role()),
    }
    list.0
}

#[derive(Default)]
struct DifferenceList(Vec<Difference>);

impl DifferenceList {
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

    fn add_reload(&mut self, what: &str, before: impl ToString, after: impl ToString) {
        self.add_if_changed(Disruption::Reload, what, before, after);
    }

    fn compare_resources(&mut self, before: &ResourceRequirements, after: &ResourceRequirements) {
        let lists = [
            ("request", &before.requests, &after.requests),
            ("limit", &before.limits, &after.limits),
        ];
        for (bound, before, after) in lists {
            let names: BTreeSet<_> = before.iter().chain(after).flat_map(BTreeMap::keys).collect();
            for name in names {
                let what = format!("{name} {bound}");
                let old = quantity_text(before.as_ref(), name);
                let new = quantity_text(after.as_ref(), name);
                self.add_if_changed(Disruption::Restart, what, old, new);
            }
        }
    }

    fn compare_service(&mut self, before: &ServiceBehavior, after: &ServiceBehavior) {
        self.compare_work(&before.work, &after.work);
        self.add_reload("mode of calls", mode_text(before.mode), mode_text(after.mode));
        self.compare_routes(&before.routes, &after.routes);
        self.compare_migrations(&before.migration_sources, &after.migration_sources);
    }

    fn compare_work(&mut self, before: &RequestWork, after: &RequestWork) {
        self.add_reload("processing time", time_text(before), time_text(after));
        self.add_reload(
            "response size",
            format!("{} bytes", before.response_bytes),
            format!("{} bytes", after.response_bytes),
        );
    }

    fn compare_routes(&mut self, before: &Routes, after: &Routes) {
        let collections: BTreeSet<&Collection> =
            before.collections.keys().chain(after.collections.keys()).collect();
        for collection in &collections {
            let what = format!("requests for {collection}");
            let (old, new) = (before.next_hop(collection), after.next_hop(collection));
            self.add_if_changed(Disruption::Reroute, what, hop_text(old), hop_text(new));
        }
        let rest =
            if collections.is_empty() { "all requests" } else { "requests for other collections" };
        let (old, new) = (before.rest.as_ref(), after.rest.as_ref());
        self.add_if_changed(Disruption::Reroute, rest, hop_text(old), hop_text(new));
    }

    /// Only the pass of a migration: its edge says which collections it copies, and from where.
    fn compare_migrations(&mut self, before: &[PlannedSource], after: &[PlannedSource]) {
        for old in before {
            if let Some(new) = after.iter().find(|new| new.component == old.component) {
                let what = format!("copy from {}", old.component);
                self.add_if_changed(Disruption::Copy, what, pass_text(old), pass_text(new));
            }
        }
    }

    fn compare_volume(&mut self, before: &Volume, after: &Volume) {
        self.add_if_changed(Disruption::Volume, "volume", &before.size, &after.size);
        let (old, new) = (class_text(before), class_text(after));
        self.add_if_changed(Disruption::Volume, "StorageClass", old, new);
    }

    fn compare_peer(&mut self, before: &PeerBehavior, after: &PeerBehavior) {
        self.compare_work(&before.work, &after.work);
        self.add_reload("peers that hold items", before.members, after.members);
        let (old, new) = (before.replication_factor, after.replication_factor);
        self.add_reload("copies of each item", old, new);
        self.compare_volume(&before.storage, &after.storage);
        self.compare_migrations(&before.migration_sources, &after.migration_sources);
    }

    fn compare_load(&mut self, before: &LoadBehavior, after: &LoadBehavior) {
        self.add_reload("requests/s", before.requests_per_second, after.requests_per_second);
        let (old, new) = (before.arrivals, after.arrivals);
        self.add_reload("arrivals", arrivals_text(old), arrivals_text(new));
        self.add_reload("ramp", ramp_text(before.ramp), ramp_text(after.ramp));
        let (old, new) = (before.closed_loop, after.closed_loop);
        self.add_reload("closed loop", closed_loop_text(old), closed_loop_text(new));
        let (old, new) = (before.write_percent, after.write_percent);
        self.add_reload("writes", percent_text(old), percent_text(new));
        let (old, new) = (before.summary_percent, after.summary_percent);
        self.add_reload("summaries", percent_text(old), percent_text(new));
        self.add_reload("items", before.items, after.items);
        let (old, new) = (join_names(&before.collections), join_names(&after.collections));
        self.add_reload("collections", old, new);
    }
}

fn quantity_text(quantities: Option<&BTreeMap<String, Quantity>>, name: &str) -> String {
    let quantity = quantities.and_then(|quantities| quantities.get(name));
    quantity.map_or_else(|| "none".to_owned(), |quantity| quantity.0.clone())
}

fn mode_text(mode: CallMode) -> &'static str {
    match mode {
        CallMode::Sequential => "one after another",
        CallMode::Parallel => "all at once",
    }
}

fn arrivals_text(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Constant => "constant",
        Arrivals::Poisson => "Poisson",
    }
}

fn ramp_text(ramp: Option<Ramp>) -> String {
    let Some(ramp) = ramp else { return "none".to_owned() };
    format!("{} starting at {} requests/s", duration_text(ramp.over_micros), ramp.from)
}

fn closed_loop_text(closed_loop: Option<ClosedLoop>) -> String {
    let Some(closed_loop) = closed_loop else { return "none".to_owned() };
    let think_time = duration_text(closed_loop.think_time_micros);
    format!("{}, {think_time} think time", users_text(closed_loop))
}

/// `1 user`, `2 users`.
pub(super) fn users_text(closed_loop: ClosedLoop) -> String {
    match closed_loop.users {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    }
}

/// The quantiles of the processing time, such as `5ms/10ms/20ms`.
fn time_text(work: &RequestWork) -> String {
    let Some(time) = work.processing_time else { return "none".to_owned() };
    [time.p50_micros, time.p90_micros, time.p99_micros].map(duration_text).join("/")
}

fn duration_text(micros: u64) -> String {
    match (micros % 1_000_000, micros % 1_000) {
        (0, _) => format!("{}s", micros / 1_000_000),
        (_, 0) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

fn hop_text(hop: Option<&Hop>) -> String {
    match hop {
        None => NOWHERE.to_owned(),
        Some(Hop::Own) => "its own store".to_owned(),
        Some(Hop::Call(to)) => to.to_string(),
    }
}

fn pass_text(source: &PlannedSource) -> &'static str {
    if source.final_pass { "the final pass" } else { "a first pass" }
}

fn class_text(volume: &Volume) -> &str {
    volume.storage_class.as_deref().unwrap_or("the default")
}

fn percent_text(percent: Percent) -> String {
    format!("{}%", percent.get())
}
