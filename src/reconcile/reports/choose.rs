//! Which pods a round polls: while the Architecture is not ready all, else those that were polled
//! the longest time ago, so that each is polled at least once a minute. A silent pod has a
//! back-off.

use crate::observe::{ROTATION_SECONDS, has_ended, is_pod_ready};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use maquette_contract::{
    Role,
    keys::{LABEL_COMPONENT, LABEL_ROLE},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::time::{Duration, Instant};

/// The interval of rounds while an Architecture is ready: shorter than the life of a report and
/// than the window of the traffic in it.
pub(super) const SLOW: Duration = Duration::from_secs(10);
/// Pods of one component that are in every round; of larger components the pods take turns.
const MIN_SAMPLE: usize = 3;
/// Within this number of rounds each pod of a component is polled: one less than the time allows,
/// as rounds may be late.
const ROUNDS_PER_ROTATION: usize = (ROTATION_SECONDS as u64 / SLOW.as_secs() - 1) as usize;
/// The pause after the first silence of a pod; it doubles with each further one.
const FIRST_SILENT_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause, shorter than a report counts.
const MAX_SILENT_PAUSE: Duration = Duration::from_secs(20);

/// How the pods of an Architecture are polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) struct PollMode {
    /// The Architecture is ready.
    pub(in crate::reconcile) is_ready: bool,
    /// The component behind the entry Service: all its pods are in every round.
    pub(in crate::reconcile) entry: Option<String>,
}

/// A pod to poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodToPoll {
    pub(super) uid: String,
    pub(super) name: String,
    pub(super) component: String,
    pub(super) ip: String,
    /// Whether it takes turns while the Architecture is ready.
    pub(super) is_rotating: bool,
    is_ready: bool,
}

/// The pods of a round.
#[derive(Debug)]
pub(super) struct ChosenPods {
    pub(super) pods: Vec<PodToPoll>,
    /// A silent pod is left out until its pause ends.
    pub(super) has_paused: bool,
}

/// The earlier polls of one Architecture's pods, by UID.
#[derive(Debug, Default)]
pub(super) struct PollHistory(HashMap<String, PodPolls>);

#[derive(Clone, Copy, Debug)]
struct PodPolls {
    last: Instant,
    /// Polls without any answer in a row.
    silences: u32,
    has_failed: bool,
    /// Whether the pod was ready then.
    was_ready: bool,
}

impl PollHistory {
    /// The pods to poll in a round that starts at `now`. `only_due`: those whose turn it is.
    pub(super) fn choose_pods(
        &mut self,
        pods: &[Arc<Pod>],
        mode: &PollMode,
        only_due: bool,
        now: Instant,
    ) -> ChosenPods {
        let mut by_component: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| is_pollable(pod)) {
            by_component.entry(label_of(pod, LABEL_COMPONENT)).or_default().push(pod);
        }
        let uids: Vec<_> = pods.iter().filter_map(|pod| pod.uid()).collect();
        self.0.retain(|uid, _| uids.contains(uid));
        let mut chosen = vec![];
        for (component, pods) in by_component {
            let is_entry = mode.entry.as_deref() == Some(component);
            let takes_turns = |pod: &&Pod| label_of(pod, LABEL_ROLE) != Role::Peer.as_str();
            let is_rotating = !is_entry && pods.len() > MIN_SAMPLE && pods.iter().all(takes_turns);
            let candidates = pods.iter().filter_map(|pod| pod_to_poll(pod, component, is_rotating));
            let mut candidates: Vec<_> = candidates.collect();
            if is_rotating && only_due {
                self.keep_due(&mut candidates);
            }
            chosen.extend(candidates);
        }
        let count = chosen.len();
        chosen.retain(|pod| !self.is_paused(pod, now));
        ChosenPods { has_paused: chosen.len() < count, pods: chosen }
    }

    /// Keeps the pods that were polled the longest time ago, and those whose last poll failed.
    fn keep_due(&self, candidates: &mut Vec<PodToPoll>) {
        let count = MIN_SAMPLE.max(candidates.len().div_ceil(ROUNDS_PER_ROTATION));
        candidates.sort_by_key(|pod| self.0.get(&pod.uid).map(|polls| polls.last));
        let mut position = 0;
        candidates.retain(|pod| {
            position += 1;
            position <= count || self.0.get(&pod.uid).is_some_and(|polls| polls.has_failed)
        });
    }

    /// Whether a silent pod is not polled yet. One that became ready, or is no longer, is.
    fn is_paused(&self, pod: &PodToPoll, now: Instant) -> bool {
        let Some(polls) = self.0.get(&pod.uid) else { return false };
        if polls.silences == 0 || polls.was_ready != pod.is_ready {
            return false;
        }
        let doubled = FIRST_SILENT_PAUSE.saturating_mul(1 << (polls.silences - 1).min(16));
        now < polls.last + doubled.min(MAX_SILENT_PAUSE)
    }

    /// Records a poll at `at`.
    pub(super) fn record_poll(&mut self, pod: &PodToPoll, outcome: PollOutcome, at: Instant) {
        let before = self.0.get(&pod.uid).map_or(0, |polls| polls.silences);
        let silences = match outcome {
            PollOutcome::Silent => before.saturating_add(1),
            PollOutcome::Reported | PollOutcome::Failed => 0,
        };
        let has_failed = outcome != PollOutcome::Reported;
        let polls = PodPolls { last: at, silences, has_failed, was_ready: pod.is_ready };
        self.0.insert(pod.uid.clone(), polls);
    }
}

/// The result of one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum PollOutcome {
    /// The pod reported.
    Reported,
    /// It answered with something else, or refused the connection.
    Failed,
    /// It did not answer in time.
    Silent,
}

impl PollOutcome {
    /// The value of the metric's label.
    pub(in crate::reconcile) fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "success",
            Self::Failed => "error",
            Self::Silent => "timeout",
        }
    }
}

fn is_pollable(pod: &Pod) -> bool {
    let is_canary = label_of(pod, LABEL_COMPONENT).is_empty();
    pod.metadata.deletion_timestamp.is_none() && !has_ended(pod) && !is_canary
}

fn pod_to_poll(pod: &Pod, component: &str, is_rotating: bool) -> Option<PodToPoll> {
    Some(PodToPoll {
        uid: pod.uid()?,
        name: pod.name_any(),
        component: component.to_owned(),
        ip: pod.status.as_ref()?.pod_ip.clone()?,
        is_rotating,
        is_ready: is_pod_ready(pod),
    })
}

fn label_of<'a>(pod: &'a Pod, key: &str) -> &'a str {
    pod.labels().get(key).map(String::as_str).unwrap_or_default()
}
