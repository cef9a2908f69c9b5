//! Outlier ejection: a pod that fails again and again is left out for a while.
//!
//! The figures are the defaults of Envoy,
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto>:
//! 5 failures in a row (`consecutive_5xx`) eject a host for 30 s (`base_ejection_time`) times the
//! number of its ejections so far, at most 300 s (`max_ejection_time`); at most 10 % of the hosts
//! are ejected at once (`max_ejection_percent`), but one always may be. Other than in Envoy, the
//! only known pod is never ejected: there is nothing else to use.
//!
//! Envoy counts a time-out like a broken connection, so a service is ejected when its store is slow.
//! Here it counts only if another pod has answered the same request in time, and all time-outs
//! of requests that were in flight together count once: they may have one cause, such as a short stop
//! of a store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Failures in a row that eject a pod.
pub const CONSECUTIVE_FAILURES: u32 = 5;
/// How long the first ejection lasts.
pub const BASE_EJECTION_TIME: Duration = Duration::from_secs(30);
/// The longest ejection. A pod of which nothing was heard for as long is forgotten.
const MAX_EJECTION_TIME: Duration = Duration::from_secs(300);
/// The largest share of the known pods that is ejected at once.
const MAX_EJECTION_PERCENT: usize = 10;

/// The name of a pod, or its address while its name is unknown.
pub type PodName = Arc<str>;

/// What is known of the pods of one target.
#[derive(Debug, Default)]
pub struct OutlierDetector {
    pods: BTreeMap<PodName, PodHealth>,
}

#[derive(Debug)]
struct PodHealth {
    /// Failures since the last success.
    failures: u32,
    /// Ejections since the pod is known.
    ejections: u32,
    ejected_until: Option<Instant>,
    /// When the last request timed out that counts.
    last_slow: Option<Instant>,
    last_seen: Instant,
}

impl OutlierDetector {
    /// A pod answered at `now`.
    pub fn record_success(&mut self, pod: &PodName, now: Instant) {
        let health = self.health_of(pod, now);
        health.failures = 0;
        health.last_seen = now;
    }

    /// A pod failed at `now`; true if this ejects it.
    pub fn record_failure(&mut self, pod: &PodName, now: Instant) -> bool {
        self.pods.retain(|_, health| now.duration_since(health.last_seen) < MAX_EJECTION_TIME);
        let health = self.health_of(pod, now);
        health.failures += 1;
        health.last_seen = now;
        let is_outlier = health.failures >= CONSECUTIVE_FAILURES && !health.is_ejected(now);
        if !is_outlier || !self.may_eject(now) {
            return false;
        }
        let health = self.health_of(pod, now);
        health.failures = 0;
        health.ejections += 1;
        let time = (BASE_EJECTION_TIME * health.ejections).min(MAX_EJECTION_TIME);
        health.ejected_until = Some(now + time);
        true
    }

    /// A request that was sent to a pod at `sent` has no answer at `now`, and another pod has answered
    /// it; true if this ejects the pod.
    pub fn record_slow(&mut self, pod: &PodName, sent: Instant, now: Instant) -> bool {
        let health = self.health_of(pod, now);
        if health.last_slow.is_some_and(|last| sent < last) {
            return false;
        }
        health.last_slow = Some(now);
        self.record_failure(pod, now)
    }

    /// Ends the ejection of a pod: no other answers.
    pub fn readmit(&mut self, pod: &str) {
        if let Some(health) = self.pods.get_mut(pod) {
            health.ejected_until = None;
        }
    }

    /// Whether a pod is left out at `now`.
    pub fn is_ejected(&self, pod: &str, now: Instant) -> bool {
        self.pods.get(pod).is_some_and(|health| health.is_ejected(now))
    }

    /// Whether any pod is left out at `now`.
    pub fn has_ejected(&self, now: Instant) -> bool {
        self.pods.values().any(|health| health.is_ejected(now))
    }

    fn may_eject(&self, now: Instant) -> bool {
        let ejected = self.pods.values().filter(|health| health.is_ejected(now)).count();
        let allowed = (self.pods.len() * MAX_EJECTION_PERCENT / 100).max(1);
        self.pods.len() > 1 && ejected < allowed
    }

    fn health_of(&mut self, pod: &PodName, now: Instant) -> &mut PodHealth {
        self.pods.entry(Arc::clone(pod)).or_insert(PodHealth {
            failures: 0,
            ejections: 0,
            ejected_until: None,
            last_slow: None,
            last_seen: now,
        })
    }
}

impl PodHealth {
    fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods<const N: usize>(names: [&str; N]) -> [PodName; N] {
        names.map(Arc::from)
    }

    fn fail(detector: &mut OutlierDetector, pod: &PodName, times: u32, now: Instant) -> bool {
        (0..times).fold(false, |_, _| detector.record_failure(pod, now))
    }

    #[test]
    fn five_failures_in_a_row_eject_a_pod_for_30_s_and_then_for_60_s() {
        let (mut detector, now) = (OutlierDetector::default(), Instant::now());
        let [good, bad] = pods(["good", "bad"]);
        detector.record_success(&good, now);
        assert!(!fail(&mut detector, &bad, CONSECUTIVE_FAILURES - 1, now));
        detector.record_success(&bad, now);
        assert!(!fail(&mut detector, &bad, CONSECUTIVE_FAILURES - 1, now), "not in a row");
        assert!(fail(&mut detector, &bad, 1, now));
        assert!(detector.is_ejected("bad", now) && !detector.is_ejected("good", now));
        let later = now + BASE_EJECTION_TIME;
        assert!(!detector.has_ejected(later));
        detector.record_success(&good, later);
        assert!(fail(&mut detector, &bad, CONSECUTIVE_FAILURES, later));
        assert!(detector.is_ejected("bad", later + BASE_EJECTION_TIME));
        assert!(!detector.is_ejected("bad", later + BASE_EJECTION_TIME * 2));
    }

    #[test]
    fn requests_that_are_slow_at_once_count_once() {
        let (mut detector, start) = (OutlierDetector::default(), Instant::now());
        let [slow, other] = pods(["slow", "other"]);
        detector.record_success(&other, start);
        let second = Duration::from_secs(1);
        for _ in 0..100 {
            assert!(!detector.record_slow(&slow, start, start + second));
        }
        for round in 1..CONSECUTIVE_FAILURES {
            let sent = start + second * round;
            let is_ejected = detector.record_slow(&slow, sent, sent + second);
            assert_eq!(is_ejected, round == CONSECUTIVE_FAILURES - 1);
        }
    }

    #[test]
    fn a_pod_is_readmitted_if_no_other_answers() {
        let (mut detector, now) = (OutlierDetector::default(), Instant::now());
        let [gone, last] = pods(["gone", "last"]);
        detector.record_success(&gone, now);
        assert!(fail(&mut detector, &last, CONSECUTIVE_FAILURES, now));
        detector.readmit("last");
        detector.readmit("unknown");
        assert!(!detector.has_ejected(now));
        assert!(!fail(&mut detector, &last, CONSECUTIVE_FAILURES - 1, now), "it starts again");
    }

    #[test]
    fn at_most_a_tenth_of_the_pods_and_never_the_only_one_is_ejected() {
        let (mut detector, now) = (OutlierDetector::default(), Instant::now());
        let [only] = pods(["only"]);
        assert!(!fail(&mut detector, &only, 100, now));
        let [second, third] = pods(["second", "third"]);
        detector.record_success(&second, now);
        assert!(fail(&mut detector, &only, 1, now), "one of two may be");
        assert!(!fail(&mut detector, &third, 100, now), "two of three may not");
        for index in 0..17 {
            detector.record_success(&format!("pod-{index}").into(), now);
        }
        assert!(fail(&mut detector, &third, 1, now), "two of twenty may");
        assert!(!fail(&mut detector, &second, 100, now));
    }
}
