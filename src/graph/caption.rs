//! What there is to say of a node, in words.

use super::wire::{Wire, wires};
use crate::plan::{EdgeKind, LoadTask, Node, PeerTask, Task};
use maquette_contract::{Hop, Kind, KindSet, Routes};

/// What a picture says of a node's size.
pub(super) fn size(node: &Node) -> Vec<String> {
    match &node.task {
        Task::Service(_) if node.replicas == 1 => vec![],
        Task::Service(_) => vec![replicas(node.replicas)],
        Task::Store(task) => vec![task.storage.size.clone()],
        Task::Peer(task) => vec![format!("{}, {} each", peers(task), task.storage.size)],
        Task::Load(task) => vec![users(task)],
    }
}

/// A node in one line: what it is, how large, and who it talks to.
pub fn describe(node: &Node) -> String {
    let mut parts = vec![match &node.task {
        Task::Service(_) => format!("service, {}", replicas(node.replicas)),
        Task::Store(task) => format!("store, {}", task.storage.size),
        Task::Peer(task) => format!("{}, {} each", peers(task), task.storage.size),
        Task::Load(task) => format!("end users, {}", users(task)),
    }];
    let wires = wires(node);
    let verbs = [
        (EdgeKind::Drives, "drives"),
        (EdgeKind::Calls, "calls"),
        (EdgeKind::Queries, "queries"),
        (EdgeKind::TakesOver, "takes over"),
    ];
    for (kind, verb) in verbs {
        let ends: Vec<_> = wires.iter().filter(|w| w.edge.kind == kind).map(end).collect();
        if !ends.is_empty() {
            parts.push(format!("{verb} {}", ends.join(", ")));
        }
    }
    parts.extend(owned(node).map(|what| format!("owns {what}")));
    parts.join("; ")
}

/// Where an edge leads, as a sentence has it.
fn end(wire: &Wire) -> String {
    let to = &wire.edge.to;
    match (&wire.label, wire.edge.kind) {
        (Some(kinds), EdgeKind::TakesOver) => format!("{kinds} from {to}"),
        (Some(label), _) => format!("{to} ({label})"),
        (None, _) => to.to_string(),
    }
}

/// `1 replica`, `2 replicas`.
pub(super) fn replicas(count: u32) -> String {
    if count == 1 { "1 replica".to_owned() } else { format!("{count} replicas") }
}

fn peers(task: &PeerTask) -> String {
    let members = if task.members == 1 { "1 peer" } else { &format!("{} peers", task.members) };
    let copies = task.replication_factor;
    let copies = if copies == 1 { "1 copy" } else { &format!("{copies} copies") };
    format!("{members}, {copies}")
}

fn users(task: &LoadTask) -> String {
    match task.requests_per_second {
        1 => "1 request/s".to_owned(),
        rate => format!("{rate} requests/s"),
    }
}

/// The kinds whose requests end at a service; none if there are none.
pub(super) fn owned(node: &Node) -> Option<String> {
    match &node.task {
        Task::Service(task) => own(&task.routes),
        Task::Store(_) | Task::Peer(_) | Task::Load(_) => None,
    }
}

fn own(routes: &Routes) -> Option<String> {
    let own = |hop: Option<&Hop>| hop == Some(&Hop::Own);
    let named = routes.kinds.iter().filter(|(_, hop)| own(hop.as_ref()));
    let named: Vec<_> = named.map(|(kind, _)| kind.as_str()).collect();
    let rest = own(routes.rest.as_ref()).then_some(match routes.kinds.is_empty() {
        true => "all kinds",
        false => "other kinds",
    });
    let all: Vec<_> = named.into_iter().chain(rest).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// A set of kinds in words.
pub fn kinds(set: &KindSet) -> String {
    let list = |kinds: &mut dyn Iterator<Item = &Kind>| {
        kinds.map(Kind::as_str).collect::<Vec<_>>().join(", ")
    };
    match set {
        KindSet::Only(kinds) => list(&mut kinds.iter()),
        KindSet::AllBut(kinds) if kinds.is_empty() => "all kinds".to_owned(),
        KindSet::AllBut(kinds) => format!("all kinds but {}", list(&mut kinds.iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_fall_to_a_node_without_a_name_are_told_from_all() {
        let routes = |text: &str| serde_json::from_str::<Routes>(text).unwrap();
        assert_eq!(own(&routes(r#"{"rest":"own"}"#)).as_deref(), Some("all kinds"));
        let some = r#"{"kinds":{"a":"own","b":null},"rest":"own"}"#;
        assert_eq!(own(&routes(some)).as_deref(), Some("a, other kinds"));
        assert_eq!(own(&routes(r#"{"rest":{"call":"below"}}"#)), None);
    }

    #[test]
    fn sets_of_kinds_read_well() {
        let a: Kind = "a".parse().unwrap();
        let b: Kind = "b".parse().unwrap();
        assert_eq!(kinds(&KindSet::Only([a.clone(), b].into())), "a, b");
        assert_eq!(kinds(&KindSet::AllBut([].into())), "all kinds");
        assert_eq!(kinds(&KindSet::AllBut([a].into())), "all kinds but a");
    }
}
