//! Reads what pods report of themselves, beside the reconciler: often while something changes,
//! rarely when all is well. Whatever a status could tell of makes a reconcile.

use super::{
    cache::Cache, fetch::ReportFetcher, key::ArchitectureKey, queue::Queue, reports::Reports,
};
use crate::observe::{REPORT_SAMPLE, has_ended};
use futures::{StreamExt, stream};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::ResourceExt;
use maquette_contract::{
    Observations, Role,
    keys::{LABEL_COMPONENT, LABEL_ROLE},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinSet};

/// How often pods are asked while something changes.
const FAST: Duration = Duration::from_secs(2);
/// How often when all is well: more often than a report ages, and than the window of the traffic
/// that it tells of.
const SLOW: Duration = Duration::from_secs(10);
/// How many pods are asked at once, for one Architecture.
const MAX_PODS_AT_ONCE: usize = 16;
/// How many Architectures are polled at once.
const MAX_ARCHITECTURES_AT_ONCE: usize = 16;

/// When each Architecture's pods are asked next.
#[derive(Debug, Default)]
pub(super) struct PollSchedule {
    entries: Mutex<HashMap<ArchitectureKey, PollEntry>>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct PollEntry {
    healthy: bool,
    next: Instant,
}

impl PollSchedule {
    /// Says whether all is well with an Architecture; one with which it is not is asked at once.
    pub(super) fn set_healthy(&self, key: &ArchitectureKey, calm: bool) {
        let mut polls = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match polls.get_mut(key) {
            Some(poll) if poll.healthy == calm => {}
            Some(poll) => {
                let next = if calm { now + SLOW } else { now };
                *poll = PollEntry { healthy: calm, next };
                self.changed.notify_one();
            }
            None => {
                polls.insert(key.clone(), PollEntry { healthy: calm, next: now });
                self.changed.notify_one();
            }
        }
    }

    /// Forgets an Architecture.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The Architectures that are due, whether all is well with each; and when the next is due.
    fn take_due(&self, now: Instant) -> (Vec<(ArchitectureKey, bool)>, Option<Instant>) {
        let mut polls = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = vec![];
        for (key, poll) in polls.iter_mut().filter(|(_, poll)| poll.next <= now) {
            poll.next = now + if poll.healthy { SLOW } else { FAST };
            due.push((key.clone(), poll.healthy));
        }
        (due, polls.values().map(|poll| poll.next).min())
    }
}

/// Asks the pods of a scope.
pub(super) struct Poller {
    pub(super) schedule: Arc<PollSchedule>,
    pub(super) pods: Arc<Cache<Pod>>,
    pub(super) reports: Arc<Reports>,
    pub(super) fetcher: ReportFetcher,
    pub(super) queue: Arc<Queue>,
}

impl Poller {
    /// Asks for ever.
    pub(super) async fn run(self) {
        let this = Arc::new(self);
        let mut under_way = JoinSet::new();
        loop {
            let (due, next) = this.schedule.take_due(Instant::now());
            for (key, calm) in due {
                // A round is shorter than the time between two; more than a few at once wait.
                while under_way.len() >= MAX_ARCHITECTURES_AT_ONCE {
                    under_way.join_next().await;
                }
                let this = Arc::clone(&this);
                under_way.spawn(async move { this.poll_architecture(&key, calm).await });
            }
            while under_way.try_join_next().is_some() {}
            let next = next.unwrap_or_else(|| Instant::now() + SLOW);
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = this.schedule.changed.notified() => {}
            }
        }
    }

    async fn poll_architecture(&self, key: &ArchitectureKey, calm: bool) {
        let (pods, began) = (self.pods.objects_of(key), Instant::now());
        let asked = pods_to_poll(&pods, calm);
        let ask = |(uid, ip): (String, String)| async move {
            (uid, self.fetcher.fetch_report(&ip).await)
        };
        let said: Vec<(String, Result<Observations, String>)> =
            stream::iter(asked).map(ask).buffer_unordered(MAX_PODS_AT_ONCE).collect().await;
        let alive = |uid: &str| pods.iter().any(|pod| pod.metadata.uid.as_deref() == Some(uid));
        if self.reports.record_round(key, said, alive, began, Timestamp::now()) {
            self.queue.push(key.clone());
        }
    }
}

/// UID and address of each pod to ask.
fn pods_to_poll(pods: &[Arc<Pod>], calm: bool) -> Vec<(String, String)> {
    let mut of_component: BTreeMap<&str, usize> = BTreeMap::new();
    let mut asked = vec![];
    // The cache gives them in the order of their names, as `observe::asked` expects.
    let stays = |pod: &&Arc<Pod>| pod.metadata.deletion_timestamp.is_none() && !has_ended(pod);
    for pod in pods.iter().filter(stays) {
        let label = |key| pod.labels().get(key).map(String::as_str).unwrap_or_default();
        let count = of_component.entry(label(LABEL_COMPONENT)).or_default();
        *count += 1;
        let peer = label(LABEL_ROLE) == Role::Peer.as_str();
        if calm && !peer && *count > REPORT_SAMPLE {
            continue;
        }
        let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
        asked.extend(pod.uid().zip(ip));
    }
    asked
}
