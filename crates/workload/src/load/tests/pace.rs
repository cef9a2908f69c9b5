//! When requests start, and what is reported of it.

use super::{
    FakeModel,
    running_load::{RunningLoad, config},
    succeeded,
};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use maquette_contract::{Arrivals, ClosedLoop, LoadConfig, Observations, Ramp};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

#[tokio::test]
async fn a_ramp_starts_low_and_a_change_takes_effect_without_a_restart() {
    let model = FakeModel::default();
    let hour = Duration::from_secs(3600).as_micros() as u64;
    let ramp = Some(Ramp { from: 20, over_micros: hour });
    let slow = LoadConfig { ramp, requests_per_second: 2000, ..config(&[&model.start().await]) };
    let load = RunningLoad::start(slow.clone()).await;
    let first = load.wait_until("answers", |report| succeeded(report) >= 10).await;
    let start = Instant::now();
    let more = succeeded(&first) + 20;
    let before = load.wait_until("more", |report| succeeded(report) >= more).await;
    let rate = (succeeded(&before) - succeeded(&first)) as f64 / start.elapsed().as_secs_f64();
    assert!(rate < 100.0, "{rate} requests a second, not 20");
    let report = load.configure(LoadConfig { ramp: None, requests_per_second: 500, ..slow }).await;
    assert!(succeeded(&report) >= more, "the counts go on");
    let start = Instant::now();
    load.wait_until("many", |report| succeeded(report) >= more + 500).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    load.stop().await;
}

#[tokio::test]
async fn a_closed_loop_has_no_more_requests_in_flight_than_users() {
    let model = FakeModel::default();
    let users = |users, think_time_micros| Some(ClosedLoop { users, think_time_micros });
    let open = LoadConfig { arrivals: Arrivals::Poisson, ..config(&[&model.start().await]) };
    let load = RunningLoad::start(LoadConfig { closed_loop: users(3, 0), ..open.clone() }).await;
    load.wait_until("answers", |report| succeeded(report) >= 100).await;
    model.change_state(|state| {
        state.stalled_until = Some(Instant::now() + Duration::from_secs(2));
    });
    let stalled = load.wait_until("a stall", |report| in_flight(report) == 3).await;
    assert_eq!(stalled.load.unwrap().failed, 0);
    let more = succeeded(&stalled) + 100;
    let report = load.wait_until("answers after it", |report| succeeded(report) >= more).await;
    assert!(in_flight(&report) <= 3, "{report:?}");
    // A think time of an hour ends it, and a change of the settings ends the hour.
    let hour = Duration::from_secs(3600).as_micros() as u64;
    load.configure(LoadConfig { closed_loop: users(2, hour), ..open.clone() }).await;
    load.wait_until("no request", |report| in_flight(report) == 0).await;
    let before = load.configure(LoadConfig { closed_loop: users(5, 0), ..open.clone() }).await;
    let more = succeeded(&before) + 100;
    load.wait_until("answers to more users", |report| succeeded(report) >= more).await;
    let before = load.configure(open).await;
    let more = succeeded(&before) + 100;
    let report = load.wait_until("answers of an open loop", |it| succeeded(it) >= more).await;
    assert_eq!(report.load.unwrap().failed, 0);
    load.stop().await;
}

fn in_flight(report: &Observations) -> u64 {
    let load = report.load.unwrap();
    load.sent - load.succeeded - load.failed
}

#[tokio::test]
async fn the_histograms_of_several_pods_can_be_added() {
    let model = FakeModel::default();
    let address = model.start().await;
    let loads = [RunningLoad::start(config(&[&address])), RunningLoad::start(config(&[&address]))];
    let mut sums: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    for load in futures_util::future::join_all(loads).await {
        load.wait_until("answers", |report| succeeded(report) >= 100).await;
        let log = load.fetch_text("/histograms").await.unwrap();
        for (operation, latencies) in parse_log(&log) {
            match sums.get_mut(&operation) {
                Some(sum) => sum.add(&latencies).unwrap(),
                None => drop(sums.insert(operation, latencies)),
            }
        }
        load.stop().await;
    }
    assert!(sums.keys().eq(["read", "summary", "write"]), "{:?}", sums.keys());
    let count: u64 = sums.values().map(Histogram::len).sum();
    assert!(count >= 200, "{count} latencies");
    assert!(sums["read"].value_at_quantile(0.5) > 0);
}

fn parse_log(log: &str) -> Vec<(String, Histogram<u64>)> {
    use base64::Engine as _;
    let mut parsed = Vec::new();
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).unwrap();
        let latencies = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        parsed.push((interval.tag().unwrap().as_str().to_owned(), latencies));
    }
    parsed
}
