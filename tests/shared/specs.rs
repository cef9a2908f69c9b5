//! Random valid specs of Architectures.

use maquette::api::{
    ArchitectureSpec, Call, CallMode, Client, ClientServer, ComponentSettings, DataStore,
    ImagePullSecret, Load, NTier, PeerToPeer, PodSettings, Quantiles, Service, ServiceStore, Shape,
    Storage, ThreeTier, Toleration, TolerationOperator,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::collections::BTreeSet;

pub(crate) const SHAPES: [Shape; 4] =
    [Shape::ClientServer, Shape::ThreeTier, Shape::NTier, Shape::PeerToPeer];

/// Any valid spec, for an Architecture whose name has up to 22 characters.
pub(crate) fn valid() -> impl Strategy<Value = ArchitectureSpec> {
    let members = (
        option::of(client_server()),
        option::of((settings(), settings(), data())),
        option::of(n_tier()),
        option::of(peer_to_peer()),
    );
    let shape = select(SHAPES.to_vec());
    (shape, members, load(), option::of(pods())).prop_map(|(shape, members, load, pods)| {
        let (client_server, three_tier, n_tier, peer_to_peer) = members;
        ArchitectureSpec {
            client_server,
            three_tier: three_tier.map(|(client, business, data)| ThreeTier {
                client,
                business,
                data,
            }),
            n_tier,
            peer_to_peer,
            load,
            pods,
            ..ArchitectureSpec::minimal(shape)
        }
    })
}

fn settings() -> impl Strategy<Value = ComponentSettings> + Clone {
    let resources = select(vec![
        None,
        Some(serde_json::json!({"requests": {"cpu": "0.1"}, "limits": {"memory": "1024Mi"}})),
        Some(serde_json::json!({"requests": {"memory": "1e8", "cpu": "2000m"}})),
    ]);
    let times = || Quantiles { p50: "1ms".to_owned(), p90: None, p99: Some("20ms".to_owned()) };
    (1..=50, resources, any::<bool>(), option::of("[1-9]Ki")).prop_map(
        move |(replicas, resources, slow, response_size)| ComponentSettings {
            replicas,
            resources: resources.map(|value| serde_json::from_value(value).expect("resources")),
            processing_time: slow.then(times),
            response_size,
        },
    )
}

fn storage() -> impl Strategy<Value = Storage> {
    let size = select(vec!["1Gi", "1024Mi", "1.5Gi", "10G", "2e9"]);
    (size, option::of("[a-z]{1,9}")).prop_map(|(size, storage_class_name)| Storage {
        size: size.to_owned(),
        storage_class_name,
    })
}

fn data() -> impl Strategy<Value = DataStore> {
    storage().prop_map(|storage| DataStore { storage, resources: None })
}

/// Distinct names of up to 24 characters that are not reserved and do not clash with stores or
/// collections. Mostly 1 to 5 of them, sometimes 24, the maximum.
fn names() -> impl Strategy<Value = Vec<String>> {
    let count = prop_oneof![9 => 1..=5_usize, 1 => Just(24)];
    count.prop_flat_map(distinct_names)
}

fn distinct_names(count: usize) -> impl Strategy<Value = Vec<String>> {
    let name = "[a-z]([a-z0-9-]{0,22}[a-z0-9])?";
    let free = |name: &String| {
        let taken = ["client", "data", "load", "peers", "business"];
        !taken.contains(&name.as_str())
            && !name.ends_with("-data")
            && !name.contains("collection-of-")
    };
    let name = name.prop_filter("taken", free);
    proptest::collection::btree_set(name, count)
        .prop_map(|names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn client_server() -> impl Strategy<Value = ClientServer> {
    (names(), settings(), data()).prop_map(|(names, settings, data)| ClientServer {
        // The entry by default is the first in the order of the names.
        entry: names.first().filter(|name| name.len() % 2 == 0).cloned(),
        clients: names
            .into_iter()
            .map(|name| Client { name, settings: settings.clone() })
            .collect(),
        data,
    })
}

/// The random choices of a service: whether it is stateless, lists what it owns, names its store,
/// and which of the services above call it (at least the one of the index).
type ServiceChoices = (bool, bool, bool, Vec<bool>, prop::sample::Index);

fn n_tier() -> impl Strategy<Value = NTier> {
    let choices = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        vec(any::<bool>(), 24),
        any::<prop::sample::Index>(),
    );
    (names(), vec(choices, 24), settings(), any::<bool>(), storage()).prop_map(
        |(names, choices, client, rest, storage)| {
            let services = names.iter().enumerate();
            let mut services: Vec<_> = services
                .map(|(index, _)| service(&names, &choices, index, rest, &storage, &client))
                .collect();
            // Their order means nothing, and the entry need not be named if it is the only one
            // that no other calls.
            let entry = rest.then(|| names[0].clone());
            if rest {
                services.reverse();
            }
            NTier { entry, services, client: client.clone() }
        },
    )
}

fn service(
    names: &[String],
    choices: &[ServiceChoices],
    index: usize,
    rest: bool,
    storage: &Storage,
    settings: &ComponentSettings,
) -> Service {
    let last = index + 1 == names.len();
    let (stateless, lists_owned, names_store, ..) = choices[index].clone();
    let stateless = stateless && !last;
    let calls = (index + 1..names.len()).filter(|to| {
        let (_, _, _, called, at_least) = &choices[*to];
        called[index] || at_least.index(*to) == index
    });
    let owns = match (last && rest, lists_owned) {
        (true, true) => Some(vec!["*".to_owned(), format!("collection-of-{index}")]),
        (true, false) => Some(vec!["*".to_owned()]),
        (false, true) => {
            Some(vec![format!("collection-of-{index}"), format!("other-collection-of-{index}")])
        }
        (false, false) => None,
    };
    let store = names_store.then(|| ServiceStore {
        name: Some(if last { "data".to_owned() } else { format!("store-{index}-data") }),
        storage: storage.clone(),
        resources: None,
    });
    Service {
        name: names[index].clone(),
        stateless,
        mode: CallMode::Parallel,
        calls: calls
            .map(|to| Call { service: names[to].clone(), probability_percent: 50 })
            .collect(),
        owns: owns.filter(|_| !stateless),
        store: store.filter(|_| !stateless),
        settings: settings.clone(),
    }
}

fn peer_to_peer() -> impl Strategy<Value = PeerToPeer> {
    (1..=50_i32, any::<prop::sample::Index>(), storage()).prop_map(|(replicas, factor, storage)| {
        let replicas_size = usize::try_from(replicas).expect("positive");
        PeerToPeer {
            replicas,
            replication_factor: i32::try_from(factor.index(replicas_size) + 1).ok(),
            storage,
            ..PeerToPeer::default()
        }
    })
}

fn load() -> impl Strategy<Value = Load> {
    (0..=1000, 0..=50, 0..=50, 1..=100_000).prop_map(
        |(requests_per_second, write_percent, summary_percent, items)| Load {
            requests_per_second,
            write_percent,
            summary_percent,
            items,
            ..Load::default()
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
