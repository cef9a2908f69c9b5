//! What a valid model does not promise, although users may expect it.

use super::{Behavior, PeerBehavior, Topology};

/// The number of peers, and of copies, from which any one peer may be lost.
const SAFE_COPIES: u32 = 3;

/// What users should know of a model before they rely on it, one sentence each.
pub fn notes(topology: &Topology) -> Vec<String> {
    let peers = topology.components().filter_map(|component| match &component.behavior {
        Behavior::Peer(peer) => lost_peer_note(peer),
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => None,
    });
    peers.collect()
}

/// Which peers may not be lost; none if any one may. With an even number of copies the first owner of
/// an item by name has a second vote, so that of two copies one may be lost.
fn lost_peer_note(peer: &PeerBehavior) -> Option<String> {
    let copies = peer.replication_factor.min(peer.members);
    let any_one = format!("{SAFE_COPIES} bears the loss of any one peer");
    match (peer.members, copies) {
        (1, _) => Some(format!(
            "with one peer, no request is answered while it is lost; peerToPeer.replicas: {any_one}"
        )),
        (2, 2) => Some(format!(
            "of two peers only the second may be lost: while the first is lost, no request is \
             answered; peerToPeer.replicas: {any_one}"
        )),
        (_, 1) => Some(format!(
            "peerToPeer.replicationFactor: 1 makes the items of a peer unavailable while it is \
             lost; {any_one}"
        )),
        (_, 2) => Some(format!(
            "peerToPeer.replicationFactor: 2 makes items unavailable while the first of their two \
             peers, by name, is lost; {any_one}"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::ArchitectureSpec,
        plan::{Identity, plan},
    };

    fn notes_of(peers: &str) -> String {
        let text = format!("{{shape: PeerToPeer, peerToPeer: {peers}}}");
        let spec: ArchitectureSpec = serde_norway::from_str(&text).unwrap();
        let identity = Identity {
            name: "shop".parse().unwrap(),
            namespace: "default".to_owned(),
            uid: String::new(),
        };
        notes(&plan(&spec.validate("shop").unwrap(), identity).unwrap()).join("; ")
    }

    #[test]
    fn peers_that_may_not_be_lost_are_named() {
        for (peers, part) in [
            ("{replicas: 1}", "with one peer, no request is answered while it is lost"),
            ("{replicas: 2}", "of two peers only the second may be lost"),
            ("{replicas: 2, replicationFactor: 1}", "replicationFactor: 1 makes the items of a"),
            ("{replicas: 5, replicationFactor: 2}", "the first of their two peers, by name"),
        ] {
            assert!(notes_of(peers).contains(part), "{peers}: {}", notes_of(peers));
        }
        for peers in ["{}", "{replicas: 4, replicationFactor: 4}", "{replicas: 50}"] {
            assert_eq!(notes_of(peers), "", "{peers}");
        }
    }
}
