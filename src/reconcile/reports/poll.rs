//! Polls the reports of pods, beside the reconciler. A change that the status can show queues a
//! reconcile.

use super::{
    super::{
        error::catch_panic,
        key::ArchitectureKey,
        metrics::Metrics,
        watch::{Cache, Queue},
    },
    choose::{ChosenPods, PodToPoll, PollOutcome, SLOW},
    fetch::{FetchError, ReportFetcher},
    schedule::{DueRound, PollSchedule},
    store::{PodAnswer, ReportStore},
};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use maquette_contract::Observations;
use std::sync::Arc;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Duration, Instant, sleep_until},
};

/// How many pods of one Architecture are polled at once.
const MAX_PODS_AT_ONCE: usize = 8;
/// How many pods of all Architectures are polled at once. Slots are given in the order of the
/// requests for one, so a large Architecture takes turns with the others.
const MAX_POLLS_AT_ONCE: usize = 128;
/// A change waits for the end of its round for at most this long.
const MAX_CHANGE_DELAY: Duration = Duration::from_secs(1);

/// Polls the pods of a watch scope.
pub(in crate::reconcile) struct Poller {
    schedule: Arc<PollSchedule>,
    pods: Arc<Cache<Pod>>,
    reports: Arc<ReportStore>,
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    fetcher: ReportFetcher,
    slots: Semaphore,
}

impl Poller {
    pub(in crate::reconcile) fn new(
        schedule: Arc<PollSchedule>,
        pods: Arc<Cache<Pod>>,
        reports: Arc<ReportStore>,
        queue: Arc<Queue>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (fetcher, slots) = (ReportFetcher::new(), Semaphore::new(MAX_POLLS_AT_ONCE));
        Self { schedule, pods, reports, queue, metrics, fetcher, slots }
    }

    /// Polls without end; wakes up when an Architecture is due.
    pub(in crate::reconcile) async fn run(self) {
        let poller = Arc::new(self);
        let mut rounds = JoinSet::new();
        loop {
            let (due, next) = poller.schedule.start_due(Instant::now());
            for round in due {
                let poller = Arc::clone(&poller);
                rounds.spawn(async move { poller.run_round(round).await });
            }
            while rounds.try_join_next().is_some() {}
            let wake_up = next.unwrap_or_else(|| Instant::now() + SLOW);
            tokio::select! {
                () = sleep_until(wake_up) => {}
                () = poller.schedule.await_change() => {}
            }
        }
    }

    /// Runs one round and always ends it, so that the Architecture is polled again after a panic.
    async fn run_round(&self, round: DueRound) {
        let started = Instant::now();
        if let Err(message) = catch_panic(self.poll_round(&round, started)).await {
            self.metrics.count_panic();
            tracing::error!(architecture = %round.key, message, "a round of polls panicked");
        }
        self.schedule.end_round(&round, started, self.reports.has_settled(&round.key));
    }

    async fn poll_round(&self, round: &DueRound, started: Instant) {
        let key = &round.key;
        let pods = self.pods.objects_of(key);
        let only_due = round.mode.is_ready && self.reports.has_settled(key);
        let chosen = round.history().choose_pods(&pods, &round.mode, only_due, started);
        let exists = |uid: &str| pods.iter().any(|pod| pod.metadata.uid.as_deref() == Some(uid));
        self.reports.begin_round(key, exists, started.into_std());
        let all_answered = self.poll_pods(round, chosen).await;
        let now = Instant::now().into_std();
        let settles = self.reports.end_round(key, all_answered, now);
        if self.reports.take_changes(key, now) || settles {
            self.queue.push(key.clone());
        }
    }

    /// Polls the pods and records each answer as it comes. Returns whether every pod reported: one
    /// that is paused did not.
    async fn poll_pods(&self, round: &DueRound, chosen: ChosenPods) -> bool {
        let key = &round.key;
        let polls = chosen.pods.into_iter().map(|pod| self.poll_pod(pod));
        let mut answers = stream::iter(polls).buffer_unordered(MAX_PODS_AT_ONCE);
        let (mut all_answered, mut queued_at) = (!chosen.has_paused, Instant::now());
        while let Some((pod, answer, outcome)) = answers.next().await {
            round.history().record_poll(&pod, outcome, Instant::now());
            all_answered &= outcome == PollOutcome::Reported;
            self.reports.record_answer(key, &pod, answer);
            if queued_at.elapsed() >= MAX_CHANGE_DELAY {
                self.queue_change(key);
                queued_at = Instant::now();
            }
        }
        all_answered
    }

    fn queue_change(&self, key: &ArchitectureKey) {
        if self.reports.take_changes(key, Instant::now().into_std()) {
            self.queue.push(key.clone());
        }
    }

    async fn poll_pod(&self, pod: PodToPoll) -> (PodToPoll, PodAnswer, PollOutcome) {
        // Never closed, so it does not fail.
        let _slot = self.slots.acquire().await;
        let requested_at = Instant::now();
        let fetched = self.fetcher.fetch_report(&pod.ip).await;
        let received_at = Instant::now();
        let (result, outcome) = match fetched.and_then(|report| check_sender(&pod, report)) {
            Ok(report) => (Ok(report), PollOutcome::Reported),
            Err(error) => {
                let is_silent = matches!(error, FetchError::TimedOut);
                let outcome = if is_silent { PollOutcome::Silent } else { PollOutcome::Failed };
                (Err(error.to_string()), outcome)
            }
        };
        self.metrics.polls.record_poll(outcome.as_str(), received_at - requested_at);
        let (requested_at, received_at) = (requested_at.into_std(), received_at.into_std());
        (pod, PodAnswer { requested_at, received_at, result }, outcome)
    }
}

/// Refuses the report of another pod: addresses are used again.
fn check_sender(pod: &PodToPoll, report: Observations) -> Result<Observations, FetchError> {
    if report.pod == pod.name && report.component.as_str() == pod.component {
        return Ok(report);
    }
    Err(FetchError::Failed(format!(
        "its address {} answers with the report of pod {} of component {}",
        pod.ip, report.pod, report.component
    )))
}

#[cfg(test)]
mod tests {
    use super::{super::choose::PollMode, *};
    use k8s_openapi::{api::core::v1::PodStatus, apimachinery::pkg::apis::meta::v1::ObjectMeta};
    use maquette_contract::{
        keys::{LABEL_ARCHITECTURE, LABEL_COMPONENT},
        ports::ADMIN,
    };
    use tokio::net::TcpListener;

    fn key(name: &str) -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
    }

    fn pods_of(architecture: &str, count: usize, ip: &str) -> impl Iterator<Item = Pod> {
        let labels = [(LABEL_ARCHITECTURE, architecture), (LABEL_COMPONENT, "web")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let status = PodStatus { pod_ip: Some(ip.to_owned()), ..PodStatus::default() };
        (0..count).map(move |number| {
            let name = format!("{}-web-{number}", labels[0].1);
            let metadata = ObjectMeta {
                namespace: Some("default".to_owned()),
                uid: Some(name.clone()),
                name: Some(name),
                labels: Some(labels.clone().into()),
                ..ObjectMeta::default()
            };
            Pod { metadata, spec: None, status: Some(status.clone()) }
        })
    }

    /// How many polls ended with `result` so far.
    fn polls(metrics: &Metrics, result: &str) -> u32 {
        let text = metrics.encode_text().expect("metrics");
        let prefix = format!("maquette_report_polls_total{{result=\"{result}\"}} ");
        let count = text.lines().find_map(|line| line.strip_prefix(&prefix));
        count.and_then(|count| count.parse().ok()).expect("a count")
    }

    #[tokio::test(start_paused = true)]
    async fn silent_pods_of_some_architectures_do_not_hold_back_the_polls_of_another() {
        // Nothing accepts its connections.
        let [high, low, ..] = std::process::id().to_le_bytes();
        let silent_ip = format!("127.21.{high}.{low}");
        let _silent = TcpListener::bind((silent_ip.as_str(), ADMIN.number)).await.expect("a port");
        let (silent_pods, small_pods) = (50, 3);
        let names: Vec<_> = (0..40).map(|number| format!("silent-{number}")).collect();
        let pods = names.iter().flat_map(|name| pods_of(name, silent_pods, &silent_ip));
        // Their polls fail at once.
        let pods = pods.chain(pods_of("small", small_pods, "no address"));
        let (schedule, metrics) = (Arc::<PollSchedule>::default(), Arc::new(Metrics::new()));
        let queue = Queue::new(Arc::clone(&metrics));
        let poller = Poller::new(
            Arc::clone(&schedule),
            Cache::holding(pods),
            Arc::default(),
            queue,
            Arc::clone(&metrics),
        );
        let mode = PollMode { is_ready: false, entry: None };
        names.iter().for_each(|name| schedule.set_mode(&key(name), mode.clone()));
        tokio::spawn(poller.run());
        // Now all slots are taken, and more polls wait for one.
        tokio::time::sleep(Duration::from_secs(1)).await;
        schedule.set_mode(&key("small"), mode);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rounds = polls(&metrics, "error") / 3;
        // A slot is free after at most three polls without an answer, of 1.5 s each.
        assert!(rounds >= 10, "{rounds} rounds in 60 s");
        let timeouts = polls(&metrics, "timeout");
        assert!(timeouts > 3000, "{timeouts}: the slots are in use");
    }
}
