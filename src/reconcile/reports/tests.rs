//! Which pods are polled when, and which of their reports count.

use super::{
    super::key::ArchitectureKey,
    choose::{PodToPoll, PollHistory, PollMode, PollOutcome, SLOW},
    schedule::PollSchedule,
    store::{PodAnswer, ReportStore},
};
use crate::observe::{PodReport, ROTATION_SECONDS};
use k8s_openapi::{
    api::core::v1::{Pod, PodCondition, PodStatus},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use maquette_contract::{
    LoadObservation, Observations, Revision, Role, Traffic,
    keys::{LABEL_COMPONENT, LABEL_ROLE},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

fn key(name: &str) -> ArchitectureKey {
    ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
}

fn pod(component: &str, ordinal: usize, role: Role) -> Arc<Pod> {
    let name = format!("shop-{component}-{ordinal}");
    let labels = [
        (LABEL_COMPONENT.to_owned(), component.to_owned()),
        (LABEL_ROLE.to_owned(), role.as_str().to_owned()),
    ];
    let metadata = ObjectMeta {
        uid: Some(format!("uid-of-{name}")),
        name: Some(name),
        labels: Some(labels.into()),
        ..ObjectMeta::default()
    };
    let status = PodStatus { pod_ip: Some("10.0.0.1".to_owned()), ..PodStatus::default() };
    Arc::new(Pod { metadata, status: Some(status), spec: None })
}

fn pods(component: &str, count: usize, role: Role) -> Vec<Arc<Pod>> {
    (0..count).map(|ordinal| pod(component, ordinal, role)).collect()
}

fn make_ready(pod: &Arc<Pod>) -> Arc<Pod> {
    let mut pod = Pod::clone(pod);
    let condition = PodCondition {
        type_: "Ready".to_owned(),
        status: "True".to_owned(),
        ..PodCondition::default()
    };
    pod.status.as_mut().unwrap().conditions = Some(vec![condition]);
    Arc::new(pod)
}

fn mode(is_ready: bool) -> PollMode {
    PollMode { is_ready, entry: Some("client".to_owned()) }
}

fn only_pod(component: &str) -> PodToPoll {
    let mut history = PollHistory::default();
    let found = [pod(component, 0, Role::Service)];
    history.choose_pods(&found, &mode(false), false, Instant::now()).pods.remove(0)
}

fn report() -> Observations {
    Observations {
        component: "web".parse().unwrap(),
        pod: "shop-web-0".to_owned(),
        revision: Revision::of_bytes(b"new"),
        older_requests: 0,
        edges: vec![],
        migration_sources: vec![],
        served: Traffic::default(),
        items: None,
        damaged_items: maquette_contract::DamagedItems::default(),
        volume: None,
        peer: None,
        load: None,
    }
}

/// A store in which a first round of `shop` has begun, and the only pod.
fn store_with_pod() -> (ReportStore, PodToPoll) {
    let store = ReportStore::default();
    store.begin_round(&key("shop"), |_| true, Instant::now().into_std());
    (store, only_pod("web"))
}

fn record(store: &ReportStore, pod: &PodToPoll, at: Instant, result: Result<Observations, &str>) {
    let at = at.into_std();
    let result = result.map_err(str::to_owned);
    let answer = PodAnswer { requested_at: at, received_at: at, result };
    store.record_answer(&key("shop"), pod, answer);
}

fn report_at(store: &ReportStore, pod: &PodToPoll, now: Instant) -> PodReport {
    let reports = store.reports_of(&key("shop"), now.into_std(), Timestamp::UNIX_EPOCH);
    reports.get(&pod.uid).cloned().unwrap_or_default()
}

fn has_changes(store: &ReportStore) -> bool {
    store.take_changes(&key("shop"), Instant::now().into_std())
}

#[test]
fn a_repeated_failure_is_one_change() {
    let (store, pod) = store_with_pod();
    for (failure, is_change) in
        [("no answer", true), ("no answer", false), ("connection refused", true)]
    {
        record(&store, &pod, Instant::now(), Err(failure));
        assert_eq!(has_changes(&store), is_change, "{failure}");
    }
}

#[test]
fn reports_from_before_an_invalidation_do_not_count() {
    let (store, pod) = store_with_pod();
    let before = Instant::now();
    record(&store, &pod, before, Ok(report()));
    assert!(has_changes(&store));
    assert!(report_at(&store, &pod, before).latest.is_some());
    store.invalidate(&key("shop"), [pod.uid.clone()].into_iter());
    assert_eq!(report_at(&store, &pod, before).latest, None);
    record(&store, &pod, before, Ok(report()));
    assert_eq!(report_at(&store, &pod, before).latest, None, "requested before");
    record(&store, &pod, Instant::now(), Ok(report()));
    assert!(has_changes(&store), "the same report again, and it counts now");
    assert!(report_at(&store, &pod, before).latest.is_some());
}

#[test]
fn the_age_of_a_report_does_not_follow_the_wall_clock() {
    let (store, pod) = store_with_pod();
    let start = Instant::now();
    record(&store, &pod, start, Ok(report()));
    let later = start + Duration::from_secs(20);
    for seconds in [0, 2_000_000_000] {
        let wall = Timestamp::from_second(seconds).unwrap();
        let reports = store.reports_of(&key("shop"), later.into_std(), wall);
        let (received, _) = reports[&pod.uid].latest.as_ref().unwrap();
        assert_eq!(wall.duration_since(*received).as_secs(), 20);
        assert!(reports[&pod.uid].standing_at(wall).is_some());
    }
    let expired = start + Duration::from_secs(31);
    assert!(report_at(&store, &pod, expired).standing_at(Timestamp::UNIX_EPOCH).is_none());
}

#[test]
fn requests_that_come_and_go_are_no_change() {
    let (store, pod) = store_with_pod();
    let served = |requests, idle_seconds| Observations {
        served: Traffic { requests, idle_seconds, ..Traffic::default() },
        ..report()
    };
    record(&store, &pod, Instant::now(), Ok(served(0, None)));
    assert!(has_changes(&store));
    record(&store, &pod, Instant::now(), Ok(served(1, Some(0))));
    assert!(has_changes(&store), "the first request");
    for (requests, idle) in [(0, 100), (3, 1), (0, 900), (1, 0)] {
        record(&store, &pod, Instant::now(), Ok(served(requests, Some(idle))));
        assert!(!has_changes(&store), "{requests} requests, the last one {idle} s ago");
    }
    record(&store, &pod, Instant::now(), Ok(served(0, Some(901))));
    assert!(has_changes(&store), "none for 15 min");
}

#[test]
fn the_length_of_a_wait_for_a_first_answer_is_one_change() {
    let (store, pod) = store_with_pod();
    let waits = |waiting_seconds| {
        let load = LoadObservation { waiting_seconds, ..LoadObservation::default() };
        Observations { load: Some(load), ..report() }
    };
    let course = [(Some(0), true), (Some(15), false), (Some(16), true), (Some(99), false)];
    for (seconds, is_change) in course.into_iter().chain([(None, true)]) {
        record(&store, &pod, Instant::now(), Ok(waits(seconds)));
        assert_eq!(has_changes(&store), is_change, "{seconds:?}");
    }
}

#[test]
fn counts_of_the_load_are_no_change_but_what_they_show_is() {
    let (store, pod) = store_with_pod();
    let reported = |wrong_answers, dropped, generator_behind| {
        let load = LoadObservation {
            wrong_answers,
            dropped,
            generator_behind,
            ..LoadObservation::default()
        };
        Observations { load: Some(load), ..report() }
    };
    let course = [
        (reported(0, 0, false), true),
        (reported(0, 7, true), true),
        (reported(0, 9, true), false),
        (reported(0, 9, false), true),
        (reported(1, 9, false), true),
        (reported(2, 9, false), false),
    ];
    for (observations, is_change) in course {
        let text = format!("{observations:?}");
        record(&store, &pod, Instant::now(), Ok(observations));
        assert_eq!(has_changes(&store), is_change, "{text}");
    }
}

#[test]
fn missing_reports_are_awaited_until_all_pods_answered_or_ten_seconds_passed() {
    let (shop, start) = (key("shop"), Instant::now().into_std());
    let (store, pod) = store_with_pod();
    assert!(!store.has_settled(&shop));
    record(&store, &pod, Instant::now(), Err("no answer"));
    assert!(report_at(&store, &pod, Instant::now()).is_awaited);
    assert!(!store.end_round(&shop, false, start));
    assert!(store.end_round(&shop, false, start + Duration::from_secs(11)));
    assert!(store.has_settled(&shop));
    assert!(!report_at(&store, &pod, Instant::now()).is_awaited);

    let (store, pod) = store_with_pod();
    store.invalidate(&shop, [pod.uid.clone()].into_iter());
    let invalidated = report_at(&store, &pod, Instant::now());
    assert!(!invalidated.is_awaited, "it got another configuration: a report must show it");
    assert!(store.end_round(&shop, true, start));
    assert!(!store.end_round(&shop, true, start), "a reconcile is queued once");
}

/// The names of the pods of a round, without the common prefix.
fn chosen(
    history: &mut PollHistory,
    found: &[Arc<Pod>],
    is_ready: bool,
    now: Instant,
) -> Vec<String> {
    let chosen = history.choose_pods(found, &mode(is_ready), is_ready, now).pods;
    for pod in &chosen {
        history.record_poll(pod, PollOutcome::Reported, now);
    }
    let mut names: Vec<_> = chosen.into_iter().map(|pod| pod.name).collect();
    names.sort();
    names
}

#[test]
fn while_not_ready_all_pods_are_in_every_round() {
    let found = [pods("client", 5, Role::Service), pods("web", 40, Role::Service)].concat();
    let mut history = PollHistory::default();
    for _ in 0..2 {
        assert_eq!(chosen(&mut history, &found, false, Instant::now()).len(), 45);
    }
}

#[test]
fn while_ready_each_pod_is_polled_once_a_minute_and_those_of_the_entry_always() {
    let found = [
        pods("client", 5, Role::Service),
        pods("few", 3, Role::Service),
        pods("peers", 7, Role::Peer),
        pods("web", 4, Role::Service),
        pods("wide", 100, Role::Service),
    ]
    .concat();
    let (mut history, mut now) = (PollHistory::default(), Instant::now());
    let mut last = BTreeMap::new();
    for round in 0..30 {
        let names = chosen(&mut history, &found, true, now);
        // 20 of the 100 in each round, 3 of the 4, and all others.
        assert_eq!(names.len(), 5 + 3 + 7 + 3 + 20, "{names:?}");
        for name in names {
            let before = last.insert(name.clone(), round).unwrap_or(-1);
            let seconds = (round - before) * i64::try_from(SLOW.as_secs()).unwrap();
            assert!(seconds <= ROTATION_SECONDS, "{name} waits for {seconds} s");
            let is_always = ["client", "few", "peers"].iter().any(|one| name.contains(one));
            assert!(!is_always || before == round - 1, "{name}");
        }
        now += SLOW;
    }
    assert_eq!(last.len(), found.len());
}

#[test]
fn the_pods_of_a_large_component_are_marked_as_rotating() {
    let found = [pods("client", 5, Role::Service), pods("web", 5, Role::Service)].concat();
    let chosen =
        PollHistory::default().choose_pods(&found, &mode(false), false, Instant::now()).pods;
    let rotating: BTreeSet<_> =
        chosen.iter().filter(|pod| pod.is_rotating).map(|pod| pod.component.as_str()).collect();
    assert_eq!(rotating, BTreeSet::from(["web"]));
}

#[test]
fn a_pod_whose_poll_failed_is_in_the_next_round() {
    let found = pods("wide", 20, Role::Service);
    let (mut history, start) = (PollHistory::default(), Instant::now());
    chosen(&mut history, &found, false, start);
    let failed = history.choose_pods(&found, &mode(true), true, start).pods.remove(0);
    history.record_poll(&failed, PollOutcome::Failed, start + SLOW);
    let next = history.choose_pods(&found, &mode(true), true, start + SLOW * 2).pods;
    assert!(next.contains(&failed), "{next:?}");
}

#[test]
fn a_silent_pod_is_polled_more_and_more_rarely_until_its_readiness_changes() {
    let found = pods("web", 1, Role::Service);
    let (mut history, start) = (PollHistory::default(), Instant::now());
    let mut polls = vec![];
    for second in 0..100 {
        let now = start + Duration::from_secs(second);
        let chosen = history.choose_pods(&found, &mode(false), false, now);
        assert_eq!(chosen.has_paused, chosen.pods.is_empty(), "after {second} s");
        for pod in chosen.pods {
            history.record_poll(&pod, PollOutcome::Silent, now);
            polls.push(second);
        }
    }
    assert_eq!(polls, [0, 2, 6, 14, 30, 50, 70, 90]);
    let now = start + Duration::from_secs(100);
    let ready = [make_ready(&found[0])];
    let pod = history.choose_pods(&ready, &mode(false), false, now).pods.remove(0);
    history.record_poll(&pod, PollOutcome::Failed, now);
    let after = history.choose_pods(&ready, &mode(false), false, now);
    assert_eq!(after.pods.len(), 1, "a refused connection takes no time");
}

#[tokio::test(start_paused = true)]
async fn no_second_round_starts_while_one_is_under_way() {
    let schedule = PollSchedule::default();
    schedule.set_mode(&key("shop"), mode(false));
    let (mut due, next) = schedule.start_due(Instant::now());
    assert_eq!((due.len(), next), (1, None));
    let started = Instant::now();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(schedule.start_due(Instant::now()).0.len(), 0);
    // Other Architectures do not wait for it.
    schedule.set_mode(&key("other"), mode(false));
    assert_eq!(schedule.start_due(Instant::now()).0[0].key, key("other"));
    schedule.end_round(&due.remove(0), started, true);
    assert_eq!(schedule.start_due(Instant::now()).0[0].key, key("shop"));
}

#[tokio::test(start_paused = true)]
async fn the_interval_follows_readiness_and_the_first_poll() {
    let schedule = PollSchedule::default();
    let shop = key("shop");
    let run_round = async |has_settled: bool| {
        let (round, started) = (schedule.start_due(Instant::now()).0.remove(0), Instant::now());
        schedule.end_round(&round, started, has_settled);
        schedule.start_due(started).1.expect("a time") - started
    };
    schedule.set_mode(&shop, mode(true));
    assert_eq!(run_round(false).await, Duration::from_secs(2), "the first poll has not ended");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(run_round(true).await, SLOW);
    schedule.set_mode(&shop, mode(false));
    assert_eq!(run_round(true).await, Duration::from_secs(2), "at once");
}

#[tokio::test(start_paused = true)]
async fn an_architecture_that_is_no_longer_ready_is_polled_right_after_its_round() {
    let schedule = PollSchedule::default();
    schedule.set_mode(&key("shop"), mode(true));
    let (round, started) = (schedule.start_due(Instant::now()).0.remove(0), Instant::now());
    schedule.set_mode(&key("shop"), mode(false));
    schedule.end_round(&round, started, true);
    assert_eq!(schedule.start_due(Instant::now()).0.len(), 1);
}
