//! The load against a fake model.

mod fake_model;
mod liars;
mod pace;
mod running_load;

use fake_model::{FakeModel, Lie};
use maquette_contract::{Address, LoadConfig, LoadObservation, Observations, Percent};
use running_load::{RunningLoad, config};
use std::time::Duration;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

fn succeeded(report: &Observations) -> u64 {
    report.load.unwrap().succeeded
}

/// Lost writes and wrong answers.
fn contradictions(report: &Observations) -> u64 {
    let LoadObservation { lost_writes, wrong_answers, .. } = report.load.unwrap();
    lost_writes + wrong_answers
}

#[tokio::test]
async fn a_healthy_model_answers_every_request_and_loses_no_write() {
    let model = FakeModel::default();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    let report = load.wait_until("300 answers", |report| succeeded(report) >= 300).await;
    let seen = report.load.unwrap();
    assert_eq!((seen.failed, seen.lost_writes, seen.wrong_answers), (0, 0, 0));
    assert_eq!(seen.dropped, 0);
    assert!(seen.sent >= seen.succeeded);
    let edge = &report.edges[0];
    assert!(edge.traffic.requests >= 300 && edge.traffic.failures == 0);
    let metrics = load.fetch_text("/metrics").await.unwrap();
    for start in [
        r#"maquette_load_requests_total{operation="read",outcome="ok"} "#,
        r#"maquette_load_requests_total{operation="write",outcome="ok"} "#,
        r#"maquette_load_requests_total{operation="summary",outcome="ok"} "#,
        r#"maquette_load_latency_seconds_count{operation="read"} "#,
        "maquette_load_lost_writes_total 0",
        "maquette_load_wrong_answers_total 0",
        "maquette_load_dropped_requests_total 0",
        "maquette_load_late_requests_total ",
        "maquette_load_lag_seconds_count ",
        "maquette_load_tracked_items 20",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(start)), "{start} not in {metrics}");
    }
    load.stop().await;
}

#[tokio::test]
async fn the_rate_is_as_configured() {
    let model = FakeModel::default();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    let first = load.wait_until("a first answer", |report| succeeded(report) >= 1).await;
    let start = Instant::now();
    let last = load.wait_until("more", |report| succeeded(report) >= 400).await;
    let rate = (succeeded(&last) - succeeded(&first)) as f64 / start.elapsed().as_secs_f64();
    assert!((150.0..250.0).contains(&rate), "{rate} requests a second");
    load.stop().await;
}

#[tokio::test]
async fn a_lost_write_is_counted_once() {
    let model = FakeModel::default();
    let one_item = LoadConfig { items: 1, ..config(&[&model.start().await]) };
    let load = RunningLoad::start(one_item.clone()).await;
    load.wait_until("a write", |report| succeeded(report) >= 50).await;
    // Only reads from now on: a new write would hide the loss.
    let never = Percent::NEVER;
    let reads = LoadConfig { write_percent: never, summary_percent: never, ..one_item };
    load.configure(reads).await;
    model.change_state(|state| state.items.clear());
    let lost = load.wait_until("a loss", |report| report.load.unwrap().failed >= 1).await;
    let more = lost.load.unwrap().failed + 50;
    let later = load.wait_until("more reads", |report| report.load.unwrap().failed >= more).await;
    assert_eq!(later.load.unwrap().lost_writes, 1);
    load.stop().await;
}

#[tokio::test]
async fn failures_are_counted_and_are_no_lost_writes() {
    let model = FakeModel::default();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    load.wait_until("answers", |report| succeeded(report) >= 50).await;
    model.change_state(|state| state.fails = true);
    let report = load.wait_until("failures", |report| report.load.unwrap().failed >= 50).await;
    assert_eq!(contradictions(&report), 0);
    assert!(report.edges[0].traffic.failures > 0);
    let metrics = load.fetch_text("/metrics").await.unwrap();
    assert!(metrics.contains(r#"{operation="read",outcome="server_error"}"#), "{metrics}");
    load.stop().await;
}

#[tokio::test]
async fn the_users_start_with_the_first_answer_and_the_wait_is_reported() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let load = RunningLoad::start(config(&[&Address(closed.to_string())])).await;
    let waits = |report: &Observations| report.load.unwrap().waiting_seconds >= Some(1);
    let report = load.wait_until("a wait", waits).await;
    assert_eq!(report.load.unwrap().sent, 0);
    let model = FakeModel::default();
    // An answer that is a failure ends no wait.
    model.change_state(|state| state.fails = true);
    model.listen(TcpListener::bind(closed).await.unwrap());
    load.wait_until("a longer wait", |r| r.load.unwrap().waiting_seconds >= Some(2)).await;
    let mut waiting_reads = 0;
    model.change_state(|state| {
        state.fails = false;
        waiting_reads = state.waiting_reads;
        assert_eq!(state.reads, waiting_reads, "all reads before the first answer are marked");
    });
    let report = load.wait_until("answers", |report| succeeded(report) >= 50).await;
    model.change_state(|state| {
        assert!(state.waiting_reads <= waiting_reads + 1, "no read of a user is marked");
        assert!(state.reads > state.waiting_reads);
    });
    let seen = report.load.unwrap();
    assert_eq!((seen.failed, seen.waiting_seconds), (0, None));
    assert_eq!(report.edges[0].traffic.failures, 0);
    load.stop().await;
}

#[tokio::test]
async fn a_load_that_waits_stops_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let load = RunningLoad::start(config(&[&Address(closed.to_string())])).await;
    load.wait_until("a wait", |report| report.load.unwrap().waiting_seconds.is_some()).await;
    load.stop().await;
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    let model = FakeModel::default();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    load.wait_until("a first answer", |report| succeeded(report) >= 1).await;
    load.configure(config(&[&Address(closed.to_string())])).await;
    load.wait_until("failures", |report| report.load.unwrap().failed >= 50).await;
    let metrics = load.fetch_text("/metrics").await.unwrap();
    assert!(metrics.contains(r#"outcome="unreachable""#), "{metrics}");
    load.stop().await;
}

/// A closed loop would send one request into the stall and show one slow answer among hundreds: its
/// p99 would be that of a healthy model.
#[tokio::test]
async fn a_stall_shows_in_the_quantiles() {
    let model = FakeModel::default();
    let load = RunningLoad::start(config(&[&model.start().await])).await;
    load.wait_until("answers", |report| succeeded(report) >= 100).await;
    let stall = Duration::from_secs(2);
    model.change_state(|state| state.stalled_until = Some(Instant::now() + stall));
    sleep(stall).await;
    let enough = |report: &Observations| report.load.unwrap().succeeded >= 700;
    let report = load.wait_until("the requests of the stall", enough).await;
    let traffic = report.edges[0].traffic;
    // 400 of these 700 requests were due during the stall: one in seven waited 1 s or longer.
    assert!(traffic.p99_micros > 1_500_000, "{traffic:?}");
    assert_eq!(report.load.unwrap().failed, 0);
    load.stop().await;
}

/// The load sends no more than it can: what is not sent is no failure of the model.
#[tokio::test]
async fn requests_without_an_answer_in_time_fail_and_those_without_a_place_are_dropped() {
    let model = FakeModel::default();
    let many = LoadConfig { requests_per_second: 1000, ..config(&[&model.start().await]) };
    let load = RunningLoad::start(many).await;
    load.wait_until("a first answer", |report| succeeded(report) >= 1).await;
    model
        .change_state(|state| state.stalled_until = Some(Instant::now() + Duration::from_secs(60)));
    let dropped = |report: &Observations| report.load.unwrap().dropped >= 100;
    let report = load.wait_until("dropped requests", dropped).await;
    let seen = report.load.unwrap();
    assert!(seen.generator_behind && seen.late > 0, "{seen:?}");
    assert_eq!(contradictions(&report), 0);
    assert_eq!(seen.failed, report.edges[0].traffic.failures);
    assert!(seen.failed <= seen.sent - seen.succeeded, "{seen:?}");
    let metrics = load.fetch_text("/metrics").await.unwrap();
    assert!(metrics.contains(r#"outcome="timed_out""#), "{metrics}");
    let waiting = metrics.lines().find_map(|line| line.strip_prefix("maquette_load_waiting "));
    assert!(waiting.unwrap().parse::<u64>().unwrap() <= 10_100, "{metrics}");
    load.shutdown.begin();
}

#[tokio::test]
async fn a_new_configuration_changes_targets_and_keeps_acknowledged_writes() {
    let (old, new) = (FakeModel::default(), FakeModel::default());
    let (old_address, new_address) = (old.start().await, new.start().await);
    let load = RunningLoad::start(config(&[&old_address])).await;
    load.wait_until("answers", |report| succeeded(report) >= 200).await;
    // The new model has all items of the old one: the change of targets loses nothing.
    let never = Percent::NEVER;
    let reads = LoadConfig { write_percent: never, ..config(&[&old_address]) };
    load.configure(reads.clone()).await;
    let items = old.items();
    new.change_state(|state| state.items = items);
    let targets = config(&[&new_address]).targets;
    let moved = LoadConfig { targets, requests_per_second: 500, ..reads };
    let report = load.configure(moved).await;
    assert_eq!(report.load.unwrap().lost_writes, 0);
    // When the new model loses its items, all known items are still checked.
    new.change_state(|state| state.items.clear());
    load.wait_until("all losses", |report| report.load.unwrap().lost_writes == 20).await;
    load.stop().await;
}
