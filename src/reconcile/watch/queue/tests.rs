//! The order of reconciles, without a clock or a reconciler.

use super::{
    schedule::{NextStart, NextTurn, Schedule, Urgency},
    *,
};
use futures::FutureExt;

const SECOND: Duration = Duration::from_secs(1);

fn key(name: &str) -> ArchitectureKey {
    ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
}

/// The name of the Architecture whose reconcile starts at `now`; none if none is due.
fn start(schedule: &mut Schedule, now: Instant) -> Option<String> {
    match schedule.start_next(now) {
        NextStart::Now { key, .. } => Some(key.name.clone()),
        NextStart::At(_) => None,
    }
}

/// Starts and ends reconciles until none is due; returns their order.
fn run_all(schedule: &mut Schedule, now: Instant) -> Vec<String> {
    let mut order = vec![];
    while let Some(name) = start(schedule, now) {
        schedule.end(&key(&name), NextTurn::OnEvent, now);
        order.push(name);
    }
    order
}

#[test]
fn changed_specifications_and_events_take_turns() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    for name in ["built-1", "built-2", "built-3", "built-4"] {
        schedule.request(key(name), Urgency::Event, now);
    }
    for name in ["new-1", "new-2"] {
        schedule.request(key(name), Urgency::ChangedSpec, now + SECOND);
    }
    let order = run_all(&mut schedule, now + SECOND);
    assert_eq!(order, ["new-1", "built-1", "new-2", "built-2", "built-3", "built-4"]);
}

#[test]
fn none_starves_however_many_others_are_requested() {
    for (waits, comes) in
        [(Urgency::Event, Urgency::ChangedSpec), (Urgency::ChangedSpec, Urgency::Event)]
    {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        for number in 0..10 {
            schedule.request(key(&format!("first-{number}")), comes, now);
        }
        schedule.request(key("waits"), waits, now);
        let mut starts = 0;
        loop {
            now += SECOND;
            // Events of all the others come without end, also of the one that waits.
            for number in 0..1000 {
                schedule.request(key(&format!("more-{number}")), comes, now);
            }
            schedule.request(key("waits"), Urgency::Event, now);
            starts += 1;
            let name = start(&mut schedule, now).expect("one is due");
            schedule.end(&key(&name), NextTurn::OnEvent, now);
            if name == "waits" {
                break;
            }
        }
        assert!(starts <= 2, "{waits:?} waited for {starts} starts");
    }
}

#[test]
fn of_one_kind_the_longest_wait_is_first() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    let names: Vec<_> = (0..100).map(|number| format!("a{number}")).collect();
    for (name, at) in names.iter().zip(0..) {
        schedule.request(key(name), Urgency::Event, now + Duration::from_millis(at));
    }
    // Another event does not move the first one to the end.
    schedule.request(key("a0"), Urgency::Event, now + SECOND);
    assert_eq!(run_all(&mut schedule, now + SECOND * 2), names);
}

#[test]
fn a_series_of_events_puts_no_reconcile_off() {
    let (mut schedule, begin) = (Schedule::default(), Instant::now());
    let starts = (0..100).map(|number| {
        let now = begin + Duration::from_millis(10) * number;
        schedule.request(key("busy"), Urgency::Event, now);
        let started = start(&mut schedule, now).is_some();
        if started {
            schedule.end(&key("busy"), NextTurn::OnEvent, now);
        }
        usize::from(started)
    });
    let starts: usize = starts.sum();
    assert!((15..=20).contains(&starts), "{starts} starts in 1 s");
}

#[test]
fn an_architecture_is_in_one_reconcile_at_a_time() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    assert!(schedule.request(key("shop"), Urgency::ChangedSpec, now));
    assert_eq!(start(&mut schedule, now).as_deref(), Some("shop"));
    assert!(schedule.request(key("shop"), Urgency::ChangedSpec, now), "a new request");
    assert!(!schedule.request(key("shop"), Urgency::Event, now), "it is requested already");
    assert_eq!(schedule.start_next(now), NextStart::At(None));
    // The request counts, not the wait.
    schedule.end(&key("shop"), NextTurn::After(SECOND * 300), now);
    let again = schedule.start_next(now);
    assert_eq!(again, NextStart::Now { key: Arc::new(key("shop")), was_requested: true });
}

#[test]
fn a_wait_ends_at_its_time_or_with_an_event() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    for name in ["waits", "woken"] {
        schedule.request(key(name), Urgency::ChangedSpec, now);
        assert_eq!(start(&mut schedule, now).as_deref(), Some(name));
        schedule.end(&key(name), NextTurn::After(SECOND * 10), now);
    }
    assert_eq!(schedule.start_next(now), NextStart::At(Some(now + SECOND * 10)));
    assert!(schedule.request(key("woken"), Urgency::Event, now));
    assert_eq!(run_all(&mut schedule, now + SECOND), ["woken"]);
    assert_eq!(run_all(&mut schedule, now + SECOND * 9), [""; 0]);
    let ended = schedule.start_next(now + SECOND * 10);
    assert_eq!(ended, NextStart::Now { key: Arc::new(key("waits")), was_requested: false });
}

#[test]
fn what_is_put_off_keeps_its_urgency() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    schedule.request(key("new"), Urgency::ChangedSpec, now);
    assert_eq!(start(&mut schedule, now).as_deref(), Some("new"));
    schedule.end(&key("new"), NextTurn::PutOff(SECOND), now);
    schedule.request(key("built"), Urgency::Event, now);
    assert_eq!(run_all(&mut schedule, now + SECOND / 2), ["built"]);
    schedule.request(key("built"), Urgency::Event, now);
    assert_eq!(run_all(&mut schedule, now + SECOND), ["new", "built"]);
}

#[test]
fn the_size_is_bounded_by_the_number_of_architectures() {
    let (mut schedule, mut now) = (Schedule::default(), Instant::now());
    for round in 0..5 {
        for number in 0..10_000 {
            let urgency = if round % 2 == 0 { Urgency::Event } else { Urgency::ChangedSpec };
            schedule.request(key(&format!("a{number}")), urgency, now);
        }
        now += SECOND;
        assert_eq!(schedule.size(), (10_000, 10_000));
    }
    let order = run_all(&mut schedule, now);
    assert_eq!(order.len(), 10_000);
    assert_eq!(schedule.size(), (0, 0), "nothing is kept of those that wait for an event");
}

#[test]
fn it_is_stuck_only_while_one_is_due_and_none_starts() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    let limit = SECOND * 300;
    assert!(!schedule.is_stuck(limit, now + limit * 9), "nothing waits");
    schedule.request(key("a"), Urgency::ChangedSpec, now);
    schedule.request(key("b"), Urgency::ChangedSpec, now);
    assert!(!schedule.is_stuck(limit, now + limit));
    assert!(schedule.is_stuck(limit, now + limit + SECOND));
    start(&mut schedule, now + limit);
    assert!(!schedule.is_stuck(limit, now + limit + SECOND));
    schedule.end(&key("a"), NextTurn::After(limit * 2), now + limit);
    start(&mut schedule, now + limit);
    assert!(!schedule.is_stuck(limit, now + limit * 3), "none is due");
    // Also a request during a reconcile that never ends.
    schedule.request(key("b"), Urgency::Event, now + limit);
    assert!(schedule.is_stuck(limit, now + limit * 3));
}

fn assert_depth(metrics: &Metrics, depth: u32) {
    let line = format!("workqueue_depth{{name=\"architecture\"}} {depth}");
    let text = metrics.encode_text().unwrap();
    assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
}

#[tokio::test(start_paused = true)]
async fn the_depth_is_the_number_of_requests_in_all_queues() {
    let metrics = Arc::new(Metrics::new());
    let (one, other) = (Queue::new(metrics.clone()), Queue::new(metrics.clone()));
    for name in ["a", "b", "b"] {
        one.push(key(name));
    }
    other.push(key("a"));
    assert_depth(&metrics, 3);
    let started = one.start_next().await;
    assert_depth(&metrics, 2);
    one.end(&started, NextTurn::After(SECOND));
    assert_depth(&metrics, 2);
}

#[tokio::test(start_paused = true)]
async fn the_reader_wakes_up_for_a_wait_a_request_and_an_end() {
    let queue = Queue::new(Arc::new(Metrics::new()));
    queue.push(key("a"));
    let a = queue.start_next().await;
    queue.push(key("a"));
    assert_eq!(queue.start_next().now_or_never(), None, "it is in a reconcile");
    let (next, ()) = futures::join!(queue.start_next(), async {
        tokio::time::sleep(SECOND).await;
        queue.end(&a, NextTurn::OnEvent);
    });
    queue.end(&next, NextTurn::After(SECOND * 10));
    let began = Instant::now();
    assert_eq!(queue.start_next().await, a);
    assert_eq!(began.elapsed().as_secs(), 10);
    let (next, ()) = futures::join!(queue.start_next(), async {
        tokio::time::sleep(SECOND).await;
        queue.push_urgent(key("b"), Urgency::ChangedSpec);
    });
    assert_eq!(*next, key("b"));
}
