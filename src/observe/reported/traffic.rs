//! What users experienced: the requests of the load, and those that the entry answered.

use crate::{
    observe::{RunningComponent, RunningTopology, first_poll},
    plan::{Behavior, Component},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{ComponentName, Observations, Role, Traffic};

/// Without a load, users count as served for this long after their last success. So the status does
/// not change with each of few requests.
pub const IDLE_SECONDS: u64 = 900;
/// A load that waits longer for its first answer shows that users are not served.
const MAX_FIRST_WAIT_SECONDS: u64 = Traffic::WINDOW_SECONDS;

/// The requests of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::observe) struct UserTraffic {
    /// Requests that ended in the last [`Traffic::WINDOW_SECONDS`]: the larger of what the load and
    /// what the entry counted.
    pub(in crate::observe) requests: u64,
    /// Requests that failed, counted in the same way.
    pub(in crate::observe) failures: u64,
    /// Whether a request succeeded at the entry in the last [`IDLE_SECONDS`].
    pub(in crate::observe) had_success: bool,
    /// Acknowledged writes that a later read did not find, since the load's pod started.
    pub(in crate::observe) lost_writes: u64,
    /// Answers that contradict earlier ones, since the load's pod started.
    pub(in crate::observe) wrong_answers: u64,
    /// Whether a load cannot keep up with its schedule.
    pub(in crate::observe) is_load_behind: bool,
    /// Whether a load should run and no report of it counts.
    pub(in crate::observe) load_report_missing: bool,
    /// Whether a load should run.
    pub(in crate::observe) has_load: bool,
    /// Whether a load may send nothing for a while, since its users think between requests.
    pub(in crate::observe) has_pauses: bool,
    /// Whether the load waits for its first answer.
    pub(in crate::observe) first_answer: FirstAnswer,
    /// Whether reports of the load or of the entry are still to come after the operator's start.
    pub(in crate::observe) is_awaited: bool,
}

/// Whether the load has had an answer since its pod started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::observe) enum FirstAnswer {
    /// It has had one, or there is no load.
    #[default]
    Received,
    /// It waits, and has not waited for longer than a new model takes.
    Pending,
    /// It waits for longer.
    Overdue,
}

impl FirstAnswer {
    fn of_report(report: &Observations) -> Self {
        match report.load.and_then(|load| load.waiting_seconds) {
            None => Self::Received,
            Some(seconds) if seconds <= MAX_FIRST_WAIT_SECONDS => Self::Pending,
            Some(_) => Self::Overdue,
        }
    }
}

impl UserTraffic {
    fn add_load(&mut self, load: Option<&RunningComponent>, now: Timestamp) {
        self.has_load = true;
        self.is_awaited |= first_poll::has_awaited(load);
        let reports: Vec<_> = standing_reports(load, now).collect();
        self.load_report_missing |= reports.is_empty();
        for report in reports {
            for edge in &report.edges {
                self.requests += edge.traffic.requests;
                self.failures += edge.traffic.failures;
            }
            let load = report.load.unwrap_or_default();
            self.lost_writes += load.lost_writes;
            self.wrong_answers += load.wrong_answers;
            self.is_load_behind |= load.generator_behind;
            self.first_answer = self.first_answer.max(FirstAnswer::of_report(report));
        }
    }

    /// The load and the entry see the same requests.
    fn add_entry(&mut self, entry: Option<&RunningComponent>, now: Timestamp) {
        self.is_awaited |= first_poll::has_awaited(entry);
        let (mut requests, mut failures) = (0, 0);
        for report in standing_reports(entry, now) {
            requests += report.served.requests;
            failures += report.served.failures;
            self.had_success |= report.served.has_success_within(IDLE_SECONDS);
        }
        self.requests = self.requests.max(requests);
        self.failures = self.failures.max(failures);
    }
}

/// The reports of a component's pods that count at `now`.
fn standing_reports(
    component: Option<&RunningComponent>,
    now: Timestamp,
) -> impl Iterator<Item = &Observations> {
    let pods = component.map(|running| running.pods.as_slice()).unwrap_or_default();
    pods.iter().filter_map(move |pod| pod.report.standing_at(now))
}

/// The traffic of the loads among `components` and of `entry`.
pub(in crate::observe) fn user_traffic(
    components: &[Component],
    entry: &ComponentName,
    running: &RunningTopology,
    now: Timestamp,
) -> UserTraffic {
    let mut traffic = UserTraffic::default();
    for load in components.iter().filter(|component| component.role() == Role::Load) {
        traffic.add_load(running.component(&load.name), now);
        traffic.has_pauses |=
            matches!(&load.behavior, Behavior::Load(behavior) if behavior.closed_loop.is_some());
    }
    traffic.add_entry(running.component(entry), now);
    traffic
}
