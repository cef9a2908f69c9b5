//! What there is to say of a component, in words.

use super::labeled_edge::{LabeledEdge, labeled_edges};
use crate::plan::{Behavior, Component, EdgeKind, LoadBehavior, PeerBehavior};
use maquette_contract::{Collection, CollectionSet, Hop, Routes};

/// What a picture says of a component's size.
pub(super) fn size_lines(component: &Component) -> Vec<String> {
    match &component.behavior {
        Behavior::Service(_) if component.replicas == 1 => vec![],
        Behavior::Service(_) => vec![replica_text(component.replicas)],
        Behavior::Store(task) => vec![task.storage.size.clone()],
        Behavior::Peer(task) => vec![format!("{}, {} each", peer_text(task), task.storage.size)],
        Behavior::Load(task) => vec![rate_text(task)],
    }
}

/// A component in one line: what it is, how large, and who it talks to.
pub fn describe_component(component: &Component) -> String {
    let mut parts = vec![match &component.behavior {
        Behavior::Service(_) => format!("service, {}", replica_text(component.replicas)),
        Behavior::Store(task) => format!("store, {}", task.storage.size),
        Behavior::Peer(task) => format!("{}, {} each", peer_text(task), task.storage.size),
        Behavior::Load(task) => format!("end users, {}", rate_text(task)),
    }];
    let wires = labeled_edges(component);
    let verbs = [
        (EdgeKind::Drives, "drives"),
        (EdgeKind::Calls, "calls"),
        (EdgeKind::Queries, "queries"),
        (EdgeKind::Migrates, "takes over"),
    ];
    for (collection, verb) in verbs {
        let ends: Vec<_> =
            wires.iter().filter(|w| w.edge.kind == collection).map(edge_target_text).collect();
        if !ends.is_empty() {
            parts.push(format!("{verb} {}", ends.join(", ")));
        }
    }
    parts.extend(owned_collections(component).map(|what| format!("owns {what}")));
    parts.join("; ")
}

/// Where an edge leads, as a sentence has it.
fn edge_target_text(wire: &LabeledEdge) -> String {
    let to = &wire.edge.to;
    match (&wire.label, wire.edge.kind) {
        (Some(collections), EdgeKind::Migrates) => format!("{collections} from {to}"),
        (Some(label), _) => format!("{to} ({label})"),
        (None, _) => to.to_string(),
    }
}

/// `1 replica`, `2 replicas`.
pub(super) fn replica_text(count: u32) -> String {
    if count == 1 { "1 replica".to_owned() } else { format!("{count} replicas") }
}

fn peer_text(task: &PeerBehavior) -> String {
    let members = if task.members == 1 { "1 peer" } else { &format!("{} peers", task.members) };
    let copies = task.replication_factor;
    let copies = if copies == 1 { "1 copy" } else { &format!("{copies} copies") };
    format!("{members}, {copies}")
}

fn rate_text(task: &LoadBehavior) -> String {
    match task.requests_per_second {
        1 => "1 request/s".to_owned(),
        rate => format!("{rate} requests/s"),
    }
}

/// The collections whose requests end at a service; none if there are none.
pub(super) fn owned_collections(component: &Component) -> Option<String> {
    match &component.behavior {
        Behavior::Service(task) => local_collections(&task.routes),
        Behavior::Store(_) | Behavior::Peer(_) | Behavior::Load(_) => None,
    }
}

fn local_collections(routes: &Routes) -> Option<String> {
    let own = |hop: Option<&Hop>| hop == Some(&Hop::Own);
    let named = routes.collections.iter().filter(|(_, hop)| own(hop.as_ref()));
    let named: Vec<_> = named.map(|(collection, _)| collection.as_str()).collect();
    let rest = own(routes.rest.as_ref()).then_some(match routes.collections.is_empty() {
        true => "all collections",
        false => "other collections",
    });
    let all: Vec<_> = named.into_iter().chain(rest).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// A set of collections in words.
pub fn collections_text(set: &CollectionSet) -> String {
    let list = |collections: &mut dyn Iterator<Item = &Collection>| {
        collections.map(Collection::as_str).collect::<Vec<_>>().join(", ")
    };
    match set {
        CollectionSet::Only(collections) => list(&mut collections.iter()),
        CollectionSet::AllBut(collections) if collections.is_empty() => {
            "all collections".to_owned()
        }
        CollectionSet::AllBut(collections) => {
            format!("all collections but {}", list(&mut collections.iter()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_that_fall_to_a_component_without_a_name_are_told_from_all() {
        let routes = |text: &str| serde_json::from_str::<Routes>(text).unwrap();
        assert_eq!(
            local_collections(&routes(r#"{"rest":"own"}"#)).as_deref(),
            Some("all collections")
        );
        let some = r#"{"collections":{"a":"own","b":null},"rest":"own"}"#;
        assert_eq!(local_collections(&routes(some)).as_deref(), Some("a, other collections"));
        assert_eq!(local_collections(&routes(r#"{"rest":{"call":"below"}}"#)), None);
    }

    #[test]
    fn sets_of_collections_read_well() {
        let a: Collection = "a".parse().unwrap();
        let b: Collection = "b".parse().unwrap();
        assert_eq!(collections_text(&CollectionSet::Only([a.clone(), b].into())), "a, b");
        assert_eq!(collections_text(&CollectionSet::AllBut([].into())), "all collections");
        assert_eq!(collections_text(&CollectionSet::AllBut([a].into())), "all collections but a");
    }
}
