//! Components in words: their role, size, edges and collections.

use super::{
    collections::local_collections,
    difference::users_text,
    labeled_edge::{LabeledEdge, labeled_edges},
};
use crate::plan::{Behavior, Component, EdgeKind, LoadBehavior, PeerBehavior};

/// The size of a component, as a picture shows it below the name.
pub(super) fn size_lines(component: &Component) -> Vec<String> {
    match &component.behavior {
        Behavior::Service(_) if component.replicas == 1 => vec![],
        Behavior::Service(_) => vec![replica_text(component.replicas)],
        Behavior::Store(store) => vec![store.storage.size.clone()],
        Behavior::Peer(peer) => vec![peer_text(peer)],
        Behavior::Load(load) => vec![rate_text(load)],
    }
}

/// A component in one line: its role, its size and its edges.
pub fn describe_component(component: &Component) -> String {
    const VERBS: [(EdgeKind, &str); 4] = [
        (EdgeKind::Drives, "drives"),
        (EdgeKind::Calls, "calls"),
        (EdgeKind::Queries, "queries"),
        (EdgeKind::Migrates, "migrates"),
    ];
    let mut parts = vec![match &component.behavior {
        Behavior::Service(_) => format!("service, {}", replica_text(component.replicas)),
        Behavior::Store(store) => format!("store, {}", store.storage.size),
        Behavior::Peer(peer) => peer_text(peer),
        Behavior::Load(load) => format!("end users, {}", rate_text(load)),
    }];
    let edges = labeled_edges(component);
    for (kind, verb) in VERBS {
        let of_kind = edges.iter().filter(|labeled| labeled.edge.kind == kind);
        let targets: Vec<_> = of_kind.map(edge_target_text).collect();
        if !targets.is_empty() {
            parts.push(format!("{verb} {}", targets.join(", ")));
        }
    }
    parts.extend(owned_collections(component).map(|collections| format!("owns {collections}")));
    parts.join("; ")
}

/// The end of an edge after its verb, such as `catalog (80%)` or `orders from data`.
fn edge_target_text(labeled: &LabeledEdge) -> String {
    let to = &labeled.edge.to;
    match (&labeled.label, labeled.edge.kind) {
        (Some(collections), EdgeKind::Migrates) => format!("{collections} from {to}"),
        (Some(label), _) => format!("{to} ({label})"),
        (None, _) => to.to_string(),
    }
}

fn replica_text(count: u32) -> String {
    if count == 1 { "1 replica".to_owned() } else { format!("{count} replicas") }
}

fn peer_text(peer: &PeerBehavior) -> String {
    let members = match peer.members {
        1 => "1 peer".to_owned(),
        count => format!("{count} peers"),
    };
    let copies = match peer.replication_factor {
        1 => "1 copy".to_owned(),
        count => format!("{count} copies"),
    };
    format!("{members}, {copies}, {} each", peer.storage.size)
}

fn rate_text(load: &LoadBehavior) -> String {
    if let Some(closed_loop) = load.closed_loop {
        return users_text(closed_loop);
    }
    match load.requests_per_second {
        1 => "1 request/s".to_owned(),
        rate => format!("{rate} requests/s"),
    }
}

/// The collections whose requests end at a service; none if there are none.
pub(super) fn owned_collections(component: &Component) -> Option<String> {
    match &component.behavior {
        Behavior::Service(service) => local_collections(&service.routes),
        Behavior::Store(_) | Behavior::Peer(_) | Behavior::Load(_) => None,
    }
}
