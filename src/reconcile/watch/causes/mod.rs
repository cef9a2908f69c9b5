//! What is read on demand, because something waits for a reason that no cached object has: Events,
//! StorageClasses, HorizontalPodAutoscalers, and the objects of others whose names may be needed.
//!
//! Nothing is read in a steady state. What was read is kept for a while, so that an Architecture
//! that waits costs a few requests a minute. A read that fails is no error: the status then lacks
//! the reason, and the replicas that an autoscaler may set stay as they are.

mod autoscalers;
mod events;
mod foreign;
mod reservations;
mod storage_classes;

pub(in crate::reconcile) use autoscalers::AutoscalerAnswer;
pub(in crate::reconcile) use foreign::ForeignObjects;
pub(in crate::reconcile) use reservations::NameReservations;

use autoscalers::Autoscaler;

use crate::observe::{
    Causes, Snapshot, StorageClassNames, WaitingObject, Warning, storage_classes_due,
    waiting_objects,
};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::Client;
use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

/// How long what was read counts. It doubles each time that the answer is the same.
const KEPT_FOR: Duration = Duration::from_secs(30);
const MAX_KEPT_FOR: Duration = Duration::from_secs(240);
/// How long a StatefulSet may lack pods before its Events are read: creation takes a moment.
const SET_GRACE: Duration = Duration::from_secs(3);
/// Objects whose Events are read in one reconcile.
const MAX_READS: usize = 8;
/// A read that takes longer is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What was read, and when.
#[derive(Clone, Debug)]
struct Reading<T> {
    value: T,
    at: Instant,
    kept_for: Duration,
}

impl<T: PartialEq> Reading<T> {
    /// A reading after `before`.
    fn after(before: Option<&Self>, value: T) -> Self {
        let same = before.filter(|before| before.value == value);
        let kept_for = same.map_or(KEPT_FOR, |same| (same.kept_for * 2).min(MAX_KEPT_FOR));
        Self { value, at: Instant::now(), kept_for }
    }

    fn is_fresh(&self) -> bool {
        self.at.elapsed() < self.kept_for
    }
}

/// What was read on demand for one Architecture.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct CauseReadings {
    /// By UID: when the object was first seen waiting.
    first_seen: HashMap<String, Instant>,
    /// By UID.
    warnings: HashMap<String, Reading<Option<Warning>>>,
    storage_classes: Option<Reading<Option<StorageClassNames>>>,
    autoscalers: Option<Reading<Vec<Autoscaler>>>,
    /// When the last list of autoscalers failed, if it did.
    autoscalers_failed_at: Option<Instant>,
}

/// Where to read.
#[derive(Clone)]
pub(in crate::reconcile) struct CauseSource {
    pub(in crate::reconcile) client: Client,
    pub(in crate::reconcile) namespace: String,
}

impl CauseReadings {
    /// Reads what `snapshot` lacks at `now`; returns it, and when to look again, if something waits.
    pub(in crate::reconcile) async fn complete(
        &mut self,
        source: &CauseSource,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> (Causes, Option<Duration>) {
        let waiting = waiting_objects(snapshot);
        let uids: BTreeSet<_> = waiting.iter().map(|object| object.uid.as_str()).collect();
        self.first_seen.retain(|uid, _| uids.contains(uid.as_str()));
        self.warnings.retain(|uid, _| uids.contains(uid.as_str()));
        let due: Vec<_> = waiting.iter().filter(|object| self.is_due(object, now)).collect();
        let mut reads = 0;
        for object in &due {
            let is_fresh = self.warnings.get(&object.uid).is_some_and(Reading::is_fresh);
            if !is_fresh && reads < MAX_READS {
                reads += 1;
                let warning = events::newest_warning(source, &object.uid, now).await;
                let reading = Reading::after(self.warnings.get(&object.uid), warning);
                self.warnings.insert(object.uid.clone(), reading);
            }
        }
        let storage_classes = self.read_storage_classes(source, snapshot, now).await;
        let warnings =
            self.warnings.iter().map(|(uid, reading)| (uid.clone(), reading.value.clone()));
        let causes = Causes { warnings: warnings.collect(), storage_classes };
        (causes, self.next_look(snapshot, waiting.len() - due.len()))
    }

    fn is_due(&mut self, object: &WaitingObject, now: Timestamp) -> bool {
        let first_seen =
            self.first_seen.entry(object.uid.clone()).or_insert_with(Instant::now).elapsed();
        object.due.map_or(first_seen >= SET_GRACE, |due| now >= due)
    }

    async fn read_storage_classes(
        &mut self,
        source: &CauseSource,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Option<StorageClassNames> {
        if storage_classes_due(snapshot).is_none_or(|due| now < due) {
            self.storage_classes = None;
            return None;
        }
        if !self.storage_classes.as_ref().is_some_and(Reading::is_fresh) {
            let names = storage_classes::list_names(source).await;
            self.storage_classes = Some(Reading::after(self.storage_classes.as_ref(), names));
        }
        self.storage_classes.as_ref().and_then(|reading| reading.value.clone())
    }

    /// When to look again: what is read by then is old, or a grace period has ended.
    fn next_look(&self, snapshot: &Snapshot, not_due: usize) -> Option<Duration> {
        if not_due > 0
            || (storage_classes_due(snapshot).is_some() && self.storage_classes.is_none())
        {
            return Some(SET_GRACE);
        }
        let mut pods = snapshot.pods.iter();
        let waits = !self.first_seen.is_empty()
            || pods.any(|pod| pod.metadata.deletion_timestamp.is_some() || is_pending(pod));
        waits.then_some(KEPT_FOR)
    }

    /// The autoscaler of an object, if it has one. What was read counts for long only if it has.
    pub(in crate::reconcile) async fn autoscaler_of(
        &mut self,
        source: &CauseSource,
        kind: &str,
        name: &str,
    ) -> AutoscalerAnswer {
        let known = self.autoscalers.as_ref().and_then(|all| find_scaler(&all.value, kind, name));
        let kept_for = if known.is_some() { KEPT_FOR } else { SET_GRACE };
        let is_fresh =
            self.autoscalers.as_ref().is_some_and(|reading| reading.at.elapsed() < kept_for);
        if is_fresh {
            return known.map_or(AutoscalerAnswer::Absent, AutoscalerAnswer::Found);
        }
        // The other components of a reconcile do not wait for the same failure.
        let has_failed = self.autoscalers_failed_at.is_some_and(|at| at.elapsed() < SET_GRACE);
        let read = if has_failed { None } else { autoscalers::list(source).await };
        let Some(read) = read else {
            if !has_failed {
                self.autoscalers_failed_at = Some(Instant::now());
            }
            // What was known counts: a repair would delete pods.
            return known.map_or(AutoscalerAnswer::Unknown, AutoscalerAnswer::Found);
        };
        self.autoscalers_failed_at = None;
        let found = find_scaler(&read, kind, name);
        self.autoscalers = Some(Reading::after(None, read));
        found.map_or(AutoscalerAnswer::Absent, AutoscalerAnswer::Found)
    }

    /// Whether an autoscaler of the object was read last time.
    pub(in crate::reconcile) fn had_autoscaler(&self, kind: &str, name: &str) -> bool {
        let reading = self.autoscalers.as_ref();
        reading.is_some_and(|reading| find_scaler(&reading.value, kind, name).is_some())
    }
}

fn find_scaler(all: &[Autoscaler], kind: &str, name: &str) -> Option<Autoscaler> {
    all.iter().find(|one| one.kind == kind && one.target == name).cloned()
}

fn is_pending(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Pending")
}

/// The result of a read; none if it failed or took too long.
async fn try_read<T>(what: &str, read: impl Future<Output = Result<T, kube::Error>>) -> Option<T> {
    match tokio::time::timeout(READ_TIMEOUT, read).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::debug!(what, %error, "a cause was not read");
            None
        }
        Err(_) => {
            tracing::debug!(what, "a cause was not read within {} s", READ_TIMEOUT.as_secs());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{
            key::ArchitectureKey,
            state::{StateStore, TakenReadings},
        },
        *,
    };
    use futures::FutureExt;
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use std::convert::Infallible;

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
            let (mut readings, source) = (CauseReadings::default(), source(code, &refusal(code)));
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
        let mut readings = CauseReadings::default();
        let first = readings.autoscaler_of(&source(200, &list), "Deployment", "shop-web").await;
        assert!(matches!(&first, AutoscalerAnswer::Found(one) if one.name == "more"), "{first:?}");
        let reading = readings.autoscalers.as_mut().expect("a reading");
        reading.at = reading.at.checked_sub(KEPT_FOR).expect("a time");
        let failing = source(500, &refusal(500));
        assert_eq!(readings.autoscaler_of(&failing, "Deployment", "shop-web").await, first);
        let other = readings.autoscaler_of(&failing, "Deployment", "shop-api").await;
        assert_eq!(other, AutoscalerAnswer::Unknown);
    }

    #[test]
    fn readings_are_put_back_when_a_deadline_ends_the_step() {
        let key = ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() };
        let states = StateStore::default();
        let step = async {
            let mut readings = TakenReadings::new(&states, &key);
            readings.first_seen.insert("uid".to_owned(), Instant::now());
            std::future::pending::<()>().await;
        };
        assert_eq!(step.now_or_never(), None);
        let readings = TakenReadings::new(&states, &key);
        assert!(readings.first_seen.contains_key("uid"));
    }
}
