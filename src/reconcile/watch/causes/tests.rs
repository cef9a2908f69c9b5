//! What is read on demand, and when.

use super::{
    super::super::{
        key::ArchitectureKey,
        state::{StateStore, TakenReadings},
    },
    *,
};
use futures::{FutureExt, StreamExt, channel::mpsc::unbounded};
use http::{Request, Response};
use k8s_openapi::{
    api::apps::v1::{StatefulSet, StatefulSetSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::client::Body;
use serde_json::{Value, json};
use std::{convert::Infallible, sync::Arc};

/// An API server that answers each request with this.
fn source(code: u16, body: &Value) -> CauseSource {
    let body = body.to_string().into_bytes();
    let service = tower::service_fn(move |_: Request<Body>| {
        let response = Response::builder().status(code).body(Body::from(body.clone()));
        std::future::ready(Ok::<_, Infallible>(response.expect("a response")))
    });
    CauseSource { client: Client::new(service, "default"), namespace: "default".to_owned() }
}

fn refusal(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code,
        "status": "Failure", "message": "so it is"})
}

#[tokio::test]
async fn a_list_that_fails_does_not_mean_no_autoscaler() {
    for (code, answer) in [
        (403, AutoscalerAnswer::Absent),
        (404, AutoscalerAnswer::Absent),
        (429, AutoscalerAnswer::Unknown),
        (500, AutoscalerAnswer::Unknown),
    ] {
        let (mut readings, source) = (AutoscalerReadings::default(), source(code, &refusal(code)));
        let found = readings.autoscaler_of(&source, "Deployment", "shop-web").await;
        assert_eq!(found, answer, "{code}");
    }
}

#[tokio::test]
async fn an_autoscaler_that_was_read_counts_while_the_list_fails() {
    let list = json!({"kind": "HorizontalPodAutoscalerList", "apiVersion": "autoscaling/v2",
        "metadata": {}, "items": [{"metadata": {"name": "more"}, "spec": {"maxReplicas": 9,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment",
        "name": "shop-web"}}}]});
    let mut readings = AutoscalerReadings::default();
    let first = readings.autoscaler_of(&source(200, &list), "Deployment", "shop-web").await;
    assert!(matches!(&first, AutoscalerAnswer::Found(one) if one.name == "more"), "{first:?}");
    let reading = readings.last.as_mut().expect("a reading");
    reading.at = reading.at.checked_sub(KEPT_FOR).expect("a time");
    let failing = source(500, &refusal(500));
    assert_eq!(readings.autoscaler_of(&failing, "Deployment", "shop-web").await, first);
    let other = readings.autoscaler_of(&failing, "Deployment", "shop-api").await;
    assert_eq!(other, AutoscalerAnswer::Unknown);
}

#[test]
fn readings_are_put_back_when_a_deadline_ends_the_step() {
    let states = StateStore::default();
    let key = key("shop");
    let step = async {
        let mut readings = TakenReadings::new(&states, &key);
        readings.last = Some(Reading::after(None, vec![]));
        std::future::pending::<()>().await;
    };
    assert_eq!(step.now_or_never(), None);
    let readings = TakenReadings::new(&states, &key);
    assert!(readings.last.is_some());
}

fn key(name: &str) -> ArchitectureKey {
    ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
}

/// A StatefulSet without its pod.
fn waiting_snapshot() -> Snapshot {
    let metadata = ObjectMeta { uid: Some("uid".to_owned()), ..ObjectMeta::default() };
    let spec = StatefulSetSpec { replicas: Some(1), ..StatefulSetSpec::default() };
    let set = StatefulSet { metadata, spec: Some(spec), status: None };
    Snapshot { stateful_sets: vec![Arc::new(set)], ..Snapshot::default() }
}

fn make_due(readings: &mut CauseReadings) {
    let long_ago = Instant::now().checked_sub(SET_GRACE).expect("a time");
    readings.first_seen.insert("uid".to_owned(), long_ago);
}

fn refused(message: &str) -> CauseAnswers {
    let warning = Warning { reason: "FailedCreate".to_owned(), message: message.to_owned() };
    CauseAnswers { warnings: [("uid".to_owned(), Some(warning))].into(), ..CauseAnswers::default() }
}

#[test]
fn what_is_due_is_read_once_until_it_is_answered() {
    let (mut readings, snapshot) = (CauseReadings::default(), waiting_snapshot());
    let look = |readings: &mut CauseReadings| readings.look(&snapshot, Timestamp::now());
    let first = look(&mut readings);
    assert_eq!(
        (first.to_read, first.next_look),
        (None, Some(SET_GRACE)),
        "creation takes a moment"
    );
    make_due(&mut readings);
    let to_read = look(&mut readings).to_read.expect("it is due");
    assert_eq!(to_read.uids, ["uid"]);
    assert_eq!(look(&mut readings).to_read, None, "it is being read");
    assert!(readings.record(refused("the quota")));
    let known = look(&mut readings);
    assert_eq!((known.to_read, known.next_look), (None, Some(KEPT_FOR)));
    assert_eq!(known.causes.warnings, refused("the quota").warnings);
    // While it is read again, what was known counts.
    let reading = readings.warnings.get_mut("uid").expect("a reading");
    reading.at = reading.at.checked_sub(KEPT_FOR).expect("a time");
    let known = look(&mut readings);
    assert!(known.to_read.is_some());
    assert_eq!(known.causes.warnings, refused("the quota").warnings);
    assert!(!readings.record(refused("the quota")), "nothing is new");
    // A read that panicked is tried again.
    let reading = readings.warnings.get_mut("uid").expect("a reading");
    reading.at = reading.at.checked_sub(MAX_KEPT_FOR).expect("a time");
    assert!(look(&mut readings).to_read.is_some());
    assert!(!readings.record(CauseAnswers::default()));
    assert!(look(&mut readings).to_read.is_some());
}

/// An API server that never answers for the namespace `silent`.
fn half_silent_client() -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let is_silent = request.uri().path().contains("/silent/");
        async move {
            if is_silent {
                std::future::pending::<()>().await;
            }
            let list = json!({"metadata": {}, "items": []}).to_string().into_bytes();
            Ok::<_, Infallible>(Response::new(Body::from(list)))
        }
    });
    Client::new(service, "default")
}

#[tokio::test(start_paused = true)]
async fn a_read_without_an_answer_ends_and_the_others_are_answered() {
    let (requests, receiver) = unbounded();
    let (answered, mut answers) = unbounded();
    let record = move |key: ArchitectureKey, read: CauseAnswers| {
        answered.unbounded_send((key.name, read.warnings)).expect("the test listens");
    };
    let reader = CauseReader { client: half_silent_client(), requests: receiver, record };
    tokio::spawn(reader.run());
    let to_read = CausesToRead { uids: vec!["uid".to_owned()], storage_classes: false };
    for (namespace, name) in [("silent", "slow"), ("default", "a"), ("default", "b")] {
        let key = ArchitectureKey { namespace: namespace.to_owned(), name: name.to_owned() };
        let request = CauseRequest { key, to_read: to_read.clone() };
        requests.unbounded_send(request).expect("the reader listens");
    }
    for expected in ["a", "b", "slow"] {
        let (name, warnings) = answers.next().await.expect("an answer");
        assert_eq!(name, expected);
        assert_eq!(warnings, [("uid".to_owned(), None)].into());
    }
}
