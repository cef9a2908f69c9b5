//! Specs with the mistakes that people make.

use maquette::api::{
    ArchitectureSpec, Call, CallMode, Client, ClientServer, ComponentSettings, DataStore, NTier,
    PeerToPeer, Quantiles, Service, ServiceStore, Shape, ThreeTier,
};
use proptest::{collection::vec, option, prelude::*, sample::select, strategy::Union};

/// A spec that is valid or has mistakes. Names are few, so that they clash.
pub(crate) fn sloppy() -> impl Strategy<Value = ArchitectureSpec> {
    let entry = || option::weighted(0.4, sloppy_name());
    let clients = (vec(sloppy_name(), 1..4), entry()).prop_map(|(names, entry)| ClientServer {
        entry,
        clients: names
            .into_iter()
            .map(|name| Client { name, settings: ComponentSettings::default() })
            .collect(),
        data: DataStore::default(),
    });
    let services = (vec(sloppy_service(), 1..5), entry()).prop_map(|(services, entry)| NTier {
        entry,
        services,
        ..NTier::default()
    });
    let peers = (1..5, option::of(1..6)).prop_map(|(replicas, replication_factor)| PeerToPeer {
        replicas,
        replication_factor,
        ..PeerToPeer::default()
    });
    let shape =
        select(vec![Shape::ClientServer, Shape::ThreeTier, Shape::NTier, Shape::PeerToPeer]);
    (shape, option::of(clients), option::of(services), option::of(peers), option::of(times()))
        .prop_map(|(shape, client_server, n_tier, peer_to_peer, times)| ArchitectureSpec {
            client_server,
            n_tier,
            peer_to_peer,
            three_tier: times.map(|times| ThreeTier {
                client: ComponentSettings {
                    processing_time: Some(times),
                    ..ComponentSettings::default()
                },
                ..ThreeTier::default()
            }),
            ..ArchitectureSpec::minimal(shape)
        })
}

fn sloppy_name() -> impl Strategy<Value = String> {
    let names = ["a", "b", "c", "d", "a-data", "b-data", "orders-data", "data", "client", "B", "-"];
    let weighted = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| (if index < 4 { 6 } else { 1 }, Just(name.to_owned()).boxed()));
    Union::new_weighted(weighted.collect())
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
            settings: ComponentSettings::default(),
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
