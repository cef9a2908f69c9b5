//! Specs of Architectures: any valid one, and sloppy ones that may be valid.

use maquette::api::{
    ArchitectureSpec, Call, CallMode, Client, ClientServer, DataStore, Load, NTier, NodeSettings,
    PeerToPeer, Quantiles, Service, ServiceStore, Shape, Storage, ThreeTier,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::collections::BTreeSet;

/// Every shape.
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
    (select(SHAPES.to_vec()), members, load()).prop_map(|(shape, members, load)| {
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
            ..ArchitectureSpec::of(shape)
        }
    })
}

/// A spec that is valid or has mistakes such as people make: names are few, so that they clash.
pub(crate) fn sloppy() -> impl Strategy<Value = ArchitectureSpec> {
    let clients = vec(sloppy_name(), 1..4).prop_map(|names| ClientServer {
        clients: names
            .into_iter()
            .map(|name| Client { name, settings: NodeSettings::default() })
            .collect(),
        data: DataStore::default(),
    });
    let services =
        vec(sloppy_service(), 1..5).prop_map(|services| NTier { services, ..NTier::default() });
    let peers = (1..5, option::of(1..6)).prop_map(|(replicas, replication_factor)| PeerToPeer {
        replicas,
        replication_factor,
        ..PeerToPeer::default()
    });
    let shape = select(SHAPES.to_vec());
    (shape, option::of(clients), option::of(services), option::of(peers), option::of(times()))
        .prop_map(|(shape, client_server, n_tier, peer_to_peer, times)| ArchitectureSpec {
            client_server,
            n_tier,
            peer_to_peer,
            three_tier: times.map(|times| ThreeTier {
                client: NodeSettings { processing_time: Some(times), ..NodeSettings::default() },
                ..ThreeTier::default()
            }),
            ..ArchitectureSpec::of(shape)
        })
}

fn sloppy_name() -> impl Strategy<Value = String> {
    let names = ["a", "b", "c", "d", "a-data", "b-data", "orders-data", "data", "client", "B", "-"];
    let weighted = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| (if index < 4 { 6 } else { 1 }, Just(name.to_owned()).boxed()));
    proptest::strategy::Union::new_weighted(weighted.collect())
}

fn sloppy_service() -> impl Strategy<Value = Service> {
    let owned = select(vec!["a", "b", "x", "*", "X"]);
    let owns = option::weighted(0.3, vec(owned, 1..3));
    let store = option::weighted(0.3, option::of(sloppy_name()));
    let calls = vec(sloppy_name(), 0..3);
    (sloppy_name(), prop::bool::weighted(0.2), calls, owns, store).prop_map(
        |(name, stateless, calls, owns, store)| Service {
            name,
            stateless,
            mode: CallMode::Sequential,
            calls: calls
                .into_iter()
                .map(|service| Call { service, probability_percent: 100 })
                .collect(),
            owns: owns.map(|owns| owns.into_iter().map(str::to_owned).collect()),
            store: store.map(|name| ServiceStore { name, ..ServiceStore::default() }),
            settings: NodeSettings::default(),
        },
    )
}

fn times() -> impl Strategy<Value = Quantiles> {
    let time =
        || select(vec!["0s", "1ms", "999ms", "1s", "1s1ms", "30s", "31s", "1.5s", "1h", "x"]);
    (time(), option::of(time()), option::of(time())).prop_map(|(p50, p90, p99)| Quantiles {
        p50: p50.to_owned(),
        p90: p90.map(str::to_owned),
        p99: p99.map(str::to_owned),
    })
}

fn settings() -> impl Strategy<Value = NodeSettings> + Clone {
    (1..=50, any::<bool>(), option::of("[1-9]Ki")).prop_map(|(replicas, slow, response_size)| {
        let times = || Quantiles { p50: "1ms".to_owned(), p90: None, p99: Some("20ms".to_owned()) };
        NodeSettings {
            replicas,
            processing_time: slow.then(times),
            response_size,
            ..NodeSettings::default()
        }
    })
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

/// Names of up to 24 characters, each once, none of them taken or ending in `-data`.
fn names(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<String>> {
    let name = "[a-z]([a-z0-9-]{0,22}[a-z0-9])?";
    let free = |name: &String| {
        let taken = ["client", "data", "load", "peers", "business"];
        !taken.contains(&name.as_str()) && !name.ends_with("-data")
    };
    let name = name.prop_filter("taken", free);
    proptest::collection::btree_set(name, count)
        .prop_map(|names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn client_server() -> impl Strategy<Value = ClientServer> {
    (names(1..=24), settings(), data()).prop_map(|(names, settings, data)| ClientServer {
        clients: names
            .into_iter()
            .map(|name| Client { name, settings: settings.clone() })
            .collect(),
        data,
    })
}

/// What is random about a service: whether it is stateless, says what it owns, names its store,
/// and which of the services above call it (at least one does).
type Dice = (bool, bool, bool, Vec<bool>, prop::sample::Index);

fn n_tier() -> impl Strategy<Value = NTier> {
    let dice = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        vec(any::<bool>(), 24),
        any::<prop::sample::Index>(),
    );
    (names(1..=24), vec(dice, 24), settings(), any::<bool>(), storage()).prop_map(
        |(names, dice, client, rest, storage)| {
            let services = names.iter().enumerate();
            let services =
                services.map(|(index, _)| service(&names, &dice, index, rest, &storage, &client));
            NTier { services: services.collect(), client: client.clone() }
        },
    )
}

fn service(
    names: &[String],
    dice: &[Dice],
    index: usize,
    rest: bool,
    storage: &Storage,
    settings: &NodeSettings,
) -> Service {
    let last = index + 1 == names.len();
    let (stateless, says, named, ..) = dice[index].clone();
    let stateless = stateless && !last;
    let calls = (index + 1..names.len()).filter(|to| {
        let (_, _, _, called, at_least) = &dice[*to];
        called[index] || at_least.index(*to) == index
    });
    let owns = match (last && rest, says) {
        (true, true) => Some(vec!["*".to_owned(), format!("k{index}")]),
        (true, false) => Some(vec!["*".to_owned()]),
        (false, true) => Some(vec![format!("k{index}"), format!("l{index}")]),
        (false, false) => None,
    };
    let store = named.then(|| ServiceStore {
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
        },
    )
}
