//! Summaries.

use super::*;
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};
use tokio::sync::Barrier;

fn calls(mode: CallMode, targets: &[(&str, &Address)]) -> ServiceConfig {
    let calls = targets.iter().map(|(name, address)| call(name, address)).collect();
    ServiceConfig { mode, calls, ..idle_config() }
}

#[tokio::test]
async fn parallel_calls_are_in_flight_together() {
    // Each answers only once the other has a request too.
    let both = Arc::new(Barrier::new(2));
    let [a, b] = ["a", "b"].map(|name| {
        let both = Arc::clone(&both);
        fake_component(move |_| {
            let both = Arc::clone(&both);
            async move {
                both.wait().await;
                fake_summary(name, &[(name, 1)])
            }
        })
    });
    let (a, b) = (a.await, b.await);
    let web = Service::start("web", calls(CallMode::Parallel, &[("a", &a), ("b", &b)])).await;
    let got = web.get("/summary").await;
    assert_eq!(got.counts(), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(got.answer().trace.calls.len(), 2);
}

#[tokio::test]
async fn sequential_calls_wait_for_one_another_in_their_order() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorder = |name: &'static str| {
        let events = Arc::clone(&events);
        fake_component(move |_| {
            let events = Arc::clone(&events);
            async move {
                events.lock().unwrap().push(format!("{name} begins"));
                // Long enough for a parallel call to start.
                tokio::time::sleep(Duration::from_millis(20)).await;
                events.lock().unwrap().push(format!("{name} ends"));
                fake_summary(name, &[])
            }
        })
    };
    let (first, second) = (recorder("first").await, recorder("second").await);
    let targets = [("first", &first), ("second", &second)];
    let web = Service::start("web", calls(CallMode::Sequential, &targets)).await;
    web.get("/summary").await.counts();
    let events = events.lock().unwrap().clone();
    assert_eq!(events, ["first begins", "first ends", "second begins", "second ends"]);
}

#[tokio::test]
async fn probability_decides_how_often_a_call_is_made() {
    let calls_made = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
    let counter = |index: usize| {
        let calls_made = Arc::clone(&calls_made);
        fake_component(move |_| {
            calls_made[index].fetch_add(1, Ordering::Relaxed);
            async { fake_summary("x", &[]) }
        })
    };
    let (never, always) = (counter(0).await, counter(1).await);
    let mut config = calls(CallMode::Parallel, &[("never", &never), ("always", &always)]);
    config.calls[0].probability_percent = Percent::NEVER;
    let web = Service::start("web", config).await;
    for _ in 0..30 {
        web.get("/summary").await.counts();
    }
    assert_eq!(calls_made[0].load(Ordering::Relaxed), 0);
    assert_eq!(calls_made[1].load(Ordering::Relaxed), 30);
}

#[tokio::test]
async fn the_own_store_is_added_and_each_owner_counts_once() {
    let store = Store::start().await;
    let below =
        fake_component(async |_| fake_summary("below", &[("ads", 2), ("books", 999)])).await;
    let beside = fake_component(async |_| fake_summary("beside", &[("ads", 2)])).await;
    let collections = [("ads".parse().unwrap(), Some(Hop::Call(component("below"))))];
    let config = ServiceConfig {
        calls: vec![call("below", &below), call("beside", &beside)],
        routes: Routes { collections: collections.into(), rest: Some(Hop::Own) },
        ..owner_config(&store.address)
    };
    let web = Service::start("web", config).await;
    let mut pairs: Vec<_> = (0..250)
        .map(|id| (format!("cars/{id}"), r#"{"version":"1.0.x","value":"12345678"}"#))
        .collect();
    // Items of a collection that another component owns now, and values that are no items.
    for id in 0..3 {
        pairs.push((format!("ads/{id}"), r#"{"version":"1.0.x","value":1}"#));
    }
    pairs.extend([("no item".to_owned(), "x"), ("cars/broken".to_owned(), "x")]);
    store.fill(&pairs).await;

    let newest = web.put("/items/plants/1", "true").await.version();

    let got = web.get("/summary").await;
    let named = |name: &str, items| (name.to_owned(), items);
    let expected = [named("ads", 2), named("books", 999), named("cars", 250), named("plants", 1)];
    assert_eq!(got.counts(), expected);
    let Outcome::Summary(summary) = got.answer().outcome else { panic!() };
    assert_eq!(summary.collections[&"cars".parse().unwrap()].bytes, 250 * 10);
    assert_eq!(summary.collections[&"plants".parse().unwrap()].newest, Some(newest));
    assert!(!summary.truncated);
    let trace = got.answer().trace;
    let queries: Vec<_> = trace.queries.iter().map(|q| (&*q.command, q.count > 1)).collect();
    assert_eq!(queries, [("SCAN", true), ("MGET", true)], "page by page");
}

#[tokio::test]
async fn a_failing_part_fails_the_summary_and_is_named() {
    let working = fake_component(async |_| fake_summary("working", &[("books", 1)])).await;
    let failing = fake_component(async |_| {
        let mut trace = fake_tree("failing");
        trace.error = Some("out of order".into());
        let outcome = Outcome::Error("out of order".into());
        let answer = Answer { outcome, trace, padding: String::new() };
        (StatusCode::INTERNAL_SERVER_ERROR, Json(answer)).into_response()
    })
    .await;
    let web = Service::start(
        "web",
        calls(CallMode::Parallel, &[("failing", &failing), ("working", &working)]),
    )
    .await;
    let got = web.get("/summary").await;
    assert_eq!(got.error(StatusCode::BAD_GATEWAY), "failing: out of order");
    let mut parts = got.answer().trace.calls;
    parts.sort_by(|a, b| a.component.cmp(&b.component));
    let errors: Vec<_> = parts.iter().map(|part| part.error.as_deref()).collect();
    assert_eq!(errors, [Some("out of order"), None], "parallel: all are in the tree");
}

#[tokio::test]
async fn a_reply_of_another_form_is_502() {
    let strange = fake_component(async |_| "hello".into_response()).await;
    let web = Service::start("web", thin_client_config("strange", &strange)).await;
    let got = web.get("/summary").await;
    let error = got.error(StatusCode::BAD_GATEWAY);
    let expected =
        format!("strange: {strange} answered 200 OK with a body that is not an answer: ");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(got.answer().trace.calls[0].pod, "", "the pod is unknown");
}

#[tokio::test]
async fn a_summary_makes_no_more_calls_than_its_budget() {
    // 14 services that all call all below make 2^13 calls.
    let mut below: Vec<Service> = vec![];
    for index in 0..14 {
        let names: Vec<String> = (0..index).map(|called| format!("s{called}")).collect();
        let targets: Vec<(&str, &Address)> = names
            .iter()
            .zip(&below)
            .map(|(name, service)| (name.as_str(), &service.address))
            .collect();
        let config = calls(CallMode::Sequential, &targets);
        below.push(Service::start(&format!("s{index}"), config).await);
    }
    let got = below[13].get("/summary").await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text());
    let Outcome::Summary(summary) = got.answer().outcome else { panic!() };
    assert!(summary.truncated, "not all calls are made");
    let served = below.iter().map(|s| s.runtime.served_traffic.current_traffic().requests);
    let served: u64 = served.sum();
    assert!((100..=1001).contains(&served), "{served} requests");
}
