//! Polls the reports of pods, beside the reconciler: fast while an Architecture is not ready, slow
//! while it is. A round that changes what the status can show queues a reconcile.

use super::{
    super::{
        key::ArchitectureKey,
        watch::{Cache, Queue},
    },
    fetch::ReportFetcher,
    store::{PollAnswers, ReportStore},
};
use crate::observe::{REPORT_SAMPLE, has_ended};
use futures::{StreamExt, stream};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::ResourceExt;
use maquette_contract::{
    Role,
    keys::{LABEL_COMPONENT, LABEL_ROLE},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinSet};

/// The interval while an Architecture is not ready.
const FAST: Duration = Duration::from_secs(2);
/// The interval while it is: shorter than the life of a report and than the window of the traffic
/// in it.
const SLOW: Duration = Duration::from_secs(10);
/// How many pods of one Architecture are polled at once.
const MAX_PODS_AT_ONCE: usize = 16;
/// How many Architectures are polled at once.
const MAX_ARCHITECTURES_AT_ONCE: usize = 16;

/// When each Architecture's pods are polled next.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct PollSchedule {
    entries: Mutex<HashMap<ArchitectureKey, PollEntry>>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct PollEntry {
    healthy: bool,
    next: Instant,
}

impl PollSchedule {
    /// Sets the interval of an Architecture. One that becomes unhealthy is polled at once.
    pub(in crate::reconcile) fn set_healthy(&self, key: &ArchitectureKey, healthy: bool) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match entries.get_mut(key) {
            Some(entry) if entry.healthy == healthy => {}
            Some(entry) => {
                let next = if healthy { now + SLOW } else { now };
                *entry = PollEntry { healthy, next };
                self.changed.notify_one();
            }
            None => {
                entries.insert(key.clone(), PollEntry { healthy, next: now });
                self.changed.notify_one();
            }
        }
    }

    /// Drops a deleted Architecture.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The Architectures that are due and whether each is healthy, and when the next is due. Those
    /// returned are scheduled again.
    fn take_due(&self, now: Instant) -> (Vec<(ArchitectureKey, bool)>, Option<Instant>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = vec![];
        for (key, entry) in entries.iter_mut().filter(|(_, entry)| entry.next <= now) {
            entry.next = now + if entry.healthy { SLOW } else { FAST };
            due.push((key.clone(), entry.healthy));
        }
        (due, entries.values().map(|entry| entry.next).min())
    }
}

/// Polls the pods of a watch scope.
pub(in crate::reconcile) struct Poller {
    pub(in crate::reconcile) schedule: Arc<PollSchedule>,
    pub(in crate::reconcile) pods: Arc<Cache<Pod>>,
    pub(in crate::reconcile) reports: Arc<ReportStore>,
    pub(in crate::reconcile) fetcher: ReportFetcher,
    pub(in crate::reconcile) queue: Arc<Queue>,
}

impl Poller {
    /// Polls without end; wakes up when an Architecture is due or its interval changes.
    pub(in crate::reconcile) async fn run(self) {
        let poller = Arc::new(self);
        let mut rounds = JoinSet::new();
        loop {
            let (due, next) = poller.schedule.take_due(Instant::now());
            for (key, healthy) in due {
                while rounds.len() >= MAX_ARCHITECTURES_AT_ONCE {
                    rounds.join_next().await;
                }
                let poller = Arc::clone(&poller);
                rounds.spawn(async move { poller.poll_architecture(&key, healthy).await });
            }
            while rounds.try_join_next().is_some() {}
            let wake_up = next.unwrap_or_else(|| Instant::now() + SLOW);
            tokio::select! {
                () = tokio::time::sleep_until(wake_up.into()) => {}
                () = poller.schedule.changed.notified() => {}
            }
        }
    }

    async fn poll_architecture(&self, key: &ArchitectureKey, healthy: bool) {
        let (pods, began) = (self.pods.objects_of(key), Instant::now());
        let requests = pods_to_poll(&pods, healthy)
            .into_iter()
            .map(|(uid, ip)| async move { (uid, self.fetcher.fetch_report(&ip).await) });
        let answers: PollAnswers =
            stream::iter(requests).buffer_unordered(MAX_PODS_AT_ONCE).collect().await;
        let has_changed = self.reports.record_round(
            key,
            answers,
            |uid| pods.iter().any(|pod| pod.metadata.uid.as_deref() == Some(uid)),
            began,
            Timestamp::now(),
        );
        if has_changed {
            self.queue.push(key.clone());
        }
    }
}

/// UID and address of each pod to poll: while all is well, a sample of each component's pods, but
/// every peer.
fn pods_to_poll(pods: &[Arc<Pod>], healthy: bool) -> Vec<(String, String)> {
    let mut pods_of_component: BTreeMap<&str, usize> = BTreeMap::new();
    let mut to_poll = vec![];
    // The cache lists pods in the order of their names, as `observe::sampled_pods` expects.
    for pod in pods {
        let is_canary = label_of(pod, LABEL_COMPONENT).is_empty();
        if pod.metadata.deletion_timestamp.is_some() || has_ended(pod) || is_canary {
            continue;
        }
        let count = pods_of_component.entry(label_of(pod, LABEL_COMPONENT)).or_default();
        *count += 1;
        let is_peer = label_of(pod, LABEL_ROLE) == Role::Peer.as_str();
        if healthy && !is_peer && *count > REPORT_SAMPLE {
            continue;
        }
        let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
        to_poll.extend(pod.uid().zip(ip));
    }
    to_poll
}

fn label_of<'a>(pod: &'a Pod, key: &str) -> &'a str {
    pod.labels().get(key).map(String::as_str).unwrap_or_default()
}
