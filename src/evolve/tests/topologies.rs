//! Small topologies whose components, stores and collections have few names, so that two of them have much in
//! common and much that contradicts.

use crate::{
    api::ArchitectureSpec,
    plan::{Identity, Topology, plan},
};
use maquette_contract::Collection;
use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use serde_json::{Value, json};

const SERVICES: [&str; 4] = ["alfa", "bravo", "delta", "echo"];
const STORES: [&str; 4] = ["data", "one", "two", "three"];
/// The collections that services own, and one that nobody names.
pub(super) const COLLECTIONS: [&str; 4] = ["kind-a", "kind-b", "kind-c", "unnamed"];

pub(super) fn collections() -> Vec<Collection> {
    COLLECTIONS.iter().map(|collection| collection.parse().unwrap()).collect()
}

/// A valid topology.
pub(super) fn topology() -> impl Strategy<Value = Topology> {
    let replicas = 1..=2_u32;
    let shape = prop_oneof![
        1 => (subsequence(SERVICES.to_vec(), 1..=3), replicas.clone()).prop_map(client_server),
        1 => replicas.clone().prop_map(three_tier),
        5 => n_tier(),
        2 => (2..=4_u32).prop_map(peers),
    ];
    (shape, 0..=1_u32).prop_filter_map("not valid", |(mut spec, load)| {
        spec["load"] = json!({ "requestsPerSecond": load });
        let spec: ArchitectureSpec = serde_json::from_value(spec).unwrap();
        let identity = Identity {
            name: "shop".parse().unwrap(),
            namespace: "default".to_owned(),
            uid: String::new(),
        };
        plan(&spec.validate("shop").ok()?, identity).ok()
    })
}

fn client_server((names, replicas): (Vec<&str>, u32)) -> Value {
    let client = |name: &&str| json!({ "name": name, "replicas": replicas });
    let clients: Vec<_> = names.iter().map(client).collect();
    json!({ "shape": "ClientServer", "clientServer": { "clients": clients } })
}

fn three_tier(replicas: u32) -> Value {
    json!({ "shape": "ThreeTier", "threeTier": { "business": { "replicas": replicas } } })
}

fn peers(replicas: u32) -> Value {
    json!({
        "shape": "PeerToPeer",
        "peerToPeer": { "replicas": replicas, "replicationFactor": 2 },
    })
}

/// Services in any order, each calling some of those below it, with stores and collections drawn from
/// those there are.
fn n_tier() -> impl Strategy<Value = Value> {
    let service = (vec(any::<bool>(), 4), option::weighted(0.8, Just(())), 1..=2_u32);
    (
        subsequence(SERVICES.to_vec(), 1..=4).prop_shuffle(),
        vec(service, 4),
        Just(STORES.to_vec()).prop_shuffle(),
        // Whose each collection is, the rest at the end; more than there are services: nobody's.
        vec(0..=4_usize, 4),
    )
        .prop_map(|(names, dice, stores, owners)| {
            let service = |index: usize| {
                let (calls, keeps, replicas) = &dice[index];
                let below = (index + 1..names.len()).filter(|below| calls[*below]);
                let calls: Vec<_> = below.map(|b| json!({ "service": names[b] })).collect();
                let collections = ["kind-a", "kind-b", "kind-c", "*"];
                let owned = collections.iter().zip(&owners).filter(|(_, owner)| **owner == index);
                let owns: Vec<_> = owned.map(|(collection, _)| collection).collect();
                let mut service =
                    json!({ "name": names[index], "calls": calls, "replicas": replicas });
                if keeps.is_none() || owns.is_empty() {
                    service["stateless"] = json!(true);
                } else {
                    service["owns"] = json!(owns);
                    service["store"] = json!({ "name": stores[index] });
                }
                service
            };
            let services: Vec<_> = (0..names.len()).map(service).collect();
            json!({ "shape": "NTier", "nTier": { "services": services } })
        })
}
