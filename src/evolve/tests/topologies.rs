//! Small topologies with few names of components, stores and collections, so that two of them have
//! much in common and many conflicts.

use crate::{
    api::ArchitectureSpec,
    plan::{Identity, Topology, plan},
};
use maquette_contract::Collection;
use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use serde_json::{Value, json};

const SERVICES: [&str; 4] = ["alfa", "bravo", "delta", "echo"];
const STORES: [&str; 4] = ["data", "one", "two", "three"];
/// The collections that services own, and one that is never named.
pub(super) const COLLECTIONS: [&str; 4] = ["alpha", "beta", "gamma", "unnamed"];

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
    let clients: Vec<_> =
        names.iter().map(|name| json!({ "name": name, "replicas": replicas })).collect();
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

/// Services in any order, each calling some of those below it, with random stores and collections.
fn n_tier() -> impl Strategy<Value = Value> {
    let choices = (vec(any::<bool>(), 4), option::weighted(0.8, Just(())), 1..=2_u32);
    (
        subsequence(SERVICES.to_vec(), 1..=4).prop_shuffle(),
        vec(choices, 4),
        Just(STORES.to_vec()).prop_shuffle(),
        // The index of the owner of each collection, and of the rest; above the number of services:
        // none.
        vec(0..=4_usize, 4),
    )
        .prop_map(|(names, choices, stores, owners)| {
            let services: Vec<_> = (0..names.len())
                .map(|index| service(index, &names, &choices[index], &owners, stores[index]))
                .collect();
            let shape = json!({ "entry": names[0], "services": services });
            json!({ "shape": "NTier", "nTier": shape })
        })
}

/// Whether a service calls each of the services below it, whether it has a store, and its replicas.
type ServiceChoices = (Vec<bool>, Option<()>, u32);

fn service(
    index: usize,
    names: &[&str],
    choices: &ServiceChoices,
    owners: &[usize],
    store: &str,
) -> Value {
    let (calls, has_store, replicas) = choices;
    let callees = (index + 1..names.len()).filter(|callee| calls[*callee]);
    let calls: Vec<_> = callees.map(|callee| json!({ "service": names[callee] })).collect();
    let collections = ["alpha", "beta", "gamma", "*"];
    let owned = collections.iter().zip(owners).filter(|(_, owner)| **owner == index);
    let owns: Vec<_> = owned.map(|(collection, _)| collection).collect();
    let mut service = json!({ "name": names[index], "calls": calls, "replicas": replicas });
    if has_store.is_none() || owns.is_empty() {
        service["stateless"] = json!(true);
    } else {
        service["owns"] = json!(owns);
        service["store"] = json!({ "name": store });
    }
    service
}
