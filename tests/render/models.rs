//! Any valid model: of every shape, with names, numbers and settings at their bounds too.

use maquette::{
    api::{
        ArchitectureSpec, Call, CallMode, Client, ClientServer, DataStore, ImagePullSecret, Load,
        NTier, NodeSettings, PeerToPeer, PodSettings, Quantiles, Service, Shape, Storage,
        ThreeTier, Toleration, TolerationOperator,
    },
    plan::{Identity, Topology, plan},
    render::{Objects, RenderSettings, render},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::from_value;

/// Fewer than usual: a model is many objects.
pub(crate) const CASES: u32 = 64;

/// The topology of `spec`, which is valid.
pub(crate) fn planned(spec: &ArchitectureSpec, name: &str, uid: &str) -> Topology {
    let identity = Identity {
        name: name.parse().expect("a name"),
        namespace: "models".to_owned(),
        uid: uid.to_owned(),
    };
    plan(&spec.validate(name).expect("a valid spec"), identity).expect("a spec that can be planned")
}

pub(crate) fn rendered(topology: &Topology) -> Objects {
    render(topology, &RenderSettings::default()).into_objects()
}

/// Any topology that a valid Architecture can have.
pub(crate) fn topologies() -> impl Strategy<Value = Topology> {
    let name = "[a-z]([a-z0-9-]{0,20}[a-z0-9])?";
    (specs(), name, option::of(Just("the-uid")))
        .prop_map(|(spec, name, uid)| planned(&spec, &name, uid.unwrap_or_default()))
}

/// Any valid spec.
pub(crate) fn specs() -> impl Strategy<Value = ArchitectureSpec> {
    let shapes = (
        select(vec![Shape::ClientServer, Shape::ThreeTier, Shape::NTier, Shape::PeerToPeer]),
        option::of(client_server()),
        option::of(three_tier()),
        option::of(n_tier()),
        option::of(peer_to_peer()),
    );
    (shapes, load(), option::of(pods())).prop_map(|(shapes, load, pods)| {
        let (shape, client_server, three_tier, n_tier, peer_to_peer) = shapes;
        ArchitectureSpec {
            client_server,
            three_tier,
            n_tier,
            peer_to_peer,
            load,
            pods,
            ..ArchitectureSpec::of(shape)
        }
    })
}

fn settings() -> impl Strategy<Value = NodeSettings> + Clone {
    let resources = select(vec![
        None,
        Some(serde_json::json!({"requests": {"cpu": "0.1"}, "limits": {"memory": "1024Mi"}})),
        Some(serde_json::json!({"requests": {"memory": "100M", "cpu": "2000m"}})),
    ]);
    let quantiles = || Quantiles { p50: "1ms".to_owned(), p90: None, p99: Some("20ms".to_owned()) };
    (1..=50, resources, any::<bool>(), option::of("[1-9]Ki")).prop_map(
        move |(replicas, resources, slow, size)| NodeSettings {
            replicas,
            resources: resources.map(|value| from_value(value).expect("resources")),
            processing_time: slow.then(quantiles),
            response_size: size.map(|size| from_value(size.into()).expect("a quantity")),
        },
    )
}

fn storage() -> impl Strategy<Value = Storage> {
    (select(vec!["1Gi", "1024Mi", "1.5Gi", "10G"]), option::of("[a-z]{1,9}")).prop_map(
        |(size, storage_class_name)| Storage {
            size: from_value(size.into()).expect("a quantity"),
            storage_class_name,
        },
    )
}

fn data() -> impl Strategy<Value = DataStore> {
    storage().prop_map(|storage| DataStore { storage, resources: None })
}

fn client_server() -> impl Strategy<Value = ClientServer> {
    (several(settings()), data()).prop_map(|(clients, data)| ClientServer {
        clients: clients
            .into_iter()
            .enumerate()
            .map(|(index, settings)| Client { name: long_name("client-app", index), settings })
            .collect(),
        data,
    })
}

fn three_tier() -> impl Strategy<Value = ThreeTier> {
    (settings(), settings(), data()).prop_map(|(client, business, data)| ThreeTier {
        client,
        business,
        data,
    })
}

/// Every service calls the next one, so that all can be reached, and some of the others.
fn n_tier() -> impl Strategy<Value = NTier> {
    let service = (settings(), any::<bool>(), any::<bool>(), vec(option::of(0..=100), 24));
    (settings(), several(service), any::<bool>()).prop_map(|(client, services, rest)| {
        let count = services.len();
        let services = services.into_iter().enumerate();
        let services = services.map(|(index, (settings, stateless, parallel, calls))| {
            let last = index + 1 == count;
            let calls = calls.into_iter().enumerate().take(count).skip(index + 1);
            Service {
                name: long_name("service", index),
                stateless: stateless && !last,
                mode: if parallel { CallMode::Parallel } else { CallMode::Sequential },
                calls: calls
                    .filter(|(to, percent)| *to == index + 1 || percent.is_some())
                    .map(|(to, percent)| Call {
                        service: long_name("service", to),
                        probability_percent: percent.unwrap_or(100),
                    })
                    .collect(),
                owns: (last && rest).then(|| vec!["*".to_owned()]),
                store: None,
                settings,
            }
        });
        NTier { client, services: services.collect() }
    })
}

fn peer_to_peer() -> impl Strategy<Value = PeerToPeer> {
    (1..=50_i32, any::<prop::sample::Index>(), option::of(storage())).prop_map(
        |(replicas, factor, storage)| PeerToPeer {
            replicas,
            replication_factor: i32::try_from(factor.index(replicas as usize) + 1).ok(),
            storage: storage.unwrap_or_default(),
            ..PeerToPeer::default()
        },
    )
}

fn load() -> impl Strategy<Value = Load> {
    (0..=1000, 0..=50, 0..=50, 1..=100_000).prop_map(
        |(requests_per_second, write_percent, summary_percent, items)| Load {
            requests_per_second,
            write_percent,
            summary_percent,
            items,
        },
    )
}

fn pods() -> impl Strategy<Value = PodSettings> {
    let toleration = Toleration {
        key: Some("dedicated".to_owned()),
        operator: TolerationOperator::Equal,
        value: Some(String::new()),
        effect: None,
        toleration_seconds: None,
    };
    (any::<bool>(), option::of(Just("image:1".to_owned()))).prop_map(move |(full, image)| {
        let pair = |key: &str, value: &str| {
            full.then(|| (key.to_owned(), value.to_owned())).into_iter().collect()
        };
        PodSettings {
            labels: pair("team", "blue"),
            annotations: pair("note", "of mine"),
            node_selector: pair("disk", ""),
            tolerations: full.then(|| toleration.clone()).into_iter().collect(),
            image_pull_secrets: full
                .then(|| ImagePullSecret { name: "registry".to_owned() })
                .into_iter()
                .collect(),
            image,
            image_pull_policy: None,
        }
    })
}

/// Mostly a few; also as many as there may be.
fn several<S: Strategy + Clone>(one: S) -> impl Strategy<Value = Vec<S::Value>> {
    prop_oneof![9 => vec(one.clone(), 1..=5), 1 => vec(one, 24)]
}

/// Names of up to 24 characters.
fn long_name(prefix: &str, index: usize) -> String {
    let fill =
        if index.is_multiple_of(2) { "-".repeat(20 - prefix.len()) + "x" } else { String::new() };
    format!("{prefix}{fill}{index}")
}
