//! Which installation of the operator builds an Architecture that several of them watch.
//!
//! An installation is named by its Lease, as `namespace/name`. It records its name in the status of
//! what it builds, and writes nothing to an Architecture whose status names another installation
//! that still renews its Lease. The annotation [`ANNOTATION_OPERATOR`] overrules the status. Two that
//! start to build at the same time settle on the one whose status was written last.
//!
//! An operator without leader election has no name: it records none, and takes over from no
//! installation that renews its Lease.

use super::{
    super::{key::ArchitectureKey, metrics::Metrics},
    lenient::LenientArchitecture,
};
use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{Api, Client, ResourceExt};
use maquette_contract::keys::ANNOTATION_OPERATOR;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How often the Lease of another installation is read.
const READ_INTERVAL: Duration = Duration::from_secs(8);
/// A read that takes longer has failed.
const READ_TIMEOUT: Duration = Duration::from_secs(4);
/// An installation that runs renews its Lease several times within this time.
const OBSERVATION: Duration = Duration::from_secs(20);
/// How often it is reported that an Architecture is left to another installation: the API server
/// deletes Events after an hour.
const REPORT_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// How old the last renewal must be, so that an upgrade or a failed machine moves no Architecture.
const TAKEOVER_AGE: Duration = Duration::from_secs(300);

/// The installation that builds an Architecture instead of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) struct OtherInstallation {
    pub(in crate::reconcile) name: String,
    pub(in crate::reconcile) reason: OtherReason,
}

/// Why an Architecture is left to another installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum OtherReason {
    /// The annotation of the Architecture names it.
    Assigned,
    /// It renews its Lease, or did a moment ago.
    Running,
    /// Its Lease cannot be read, so that it may run.
    Unreadable,
}

/// What is to be reported of an Architecture that is left to another installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum LeftReport {
    /// That another installation builds it, for the first time.
    First,
    /// The same again: the Event expires.
    Again,
    /// The Event that was not written.
    Pending,
    NotDue,
}

/// An Architecture that is left to another installation.
struct LeftAlone {
    other: OtherInstallation,
    /// None until an Event that says so was written.
    reported_at: Option<Instant>,
}

/// A Lease of another installation, as this process has observed it.
#[derive(Clone, Debug)]
struct ObservedLease {
    lease: Option<Lease>,
    is_readable: bool,
    /// Since when it is as it is.
    unchanged_since: Instant,
    read_at: Instant,
}

/// This installation.
pub(in crate::reconcile) struct Installation {
    client: Client,
    /// None without leader election.
    name: Option<String>,
    metrics: Arc<Metrics>,
    observed: tokio::sync::Mutex<BTreeMap<String, ObservedLease>>,
    /// The Architectures that are left to others.
    left: Mutex<HashMap<ArchitectureKey, LeftAlone>>,
}

impl Installation {
    pub(in crate::reconcile) fn new(
        client: Client,
        name: Option<String>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (observed, left) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { client, name, metrics, observed, left }
    }

    pub(in crate::reconcile) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The other installation that builds the Architecture; none if this one does.
    pub(in crate::reconcile) async fn other_builder(
        &self,
        architecture: &LenientArchitecture,
    ) -> Option<OtherInstallation> {
        let other = self.find_other(architecture).await;
        if other.is_none() {
            self.forget(&ArchitectureKey::from_metadata(&architecture.metadata));
        }
        other
    }

    async fn find_other(&self, architecture: &LenientArchitecture) -> Option<OtherInstallation> {
        if let Some(assigned) = architecture.annotations().get(ANNOTATION_OPERATOR) {
            let reason = OtherReason::Assigned;
            let other = OtherInstallation { name: assigned.clone(), reason };
            return (self.name() != Some(assigned)).then_some(other);
        }
        let recorded = architecture.status.as_ref()?.operator.as_deref()?;
        if self.name() == Some(recorded) {
            return None;
        }
        let lease = self.observe_lease(recorded).await?;
        if lease.has_expired(Instant::now(), Timestamp::now()) {
            tracing::info!(
                architecture = %ArchitectureKey::from_metadata(&architecture.metadata),
                installation = recorded, "taking over: the installation has ended"
            );
            return None;
        }
        let reason = if lease.is_readable { OtherReason::Running } else { OtherReason::Unreadable };
        Some(OtherInstallation { name: recorded.to_owned(), reason })
    }

    /// The Lease of another installation; none if `name` is not the name of one.
    async fn observe_lease(&self, name: &str) -> Option<ObservedLease> {
        let (namespace, lease_name) = name.split_once('/')?;
        let mut observed = self.observed.lock().await;
        let before = observed.get(name).cloned();
        if let Some(recent) = before.as_ref().filter(|o| o.read_at.elapsed() < READ_INTERVAL) {
            return Some(recent.clone());
        }
        let api: Api<Lease> = Api::namespaced(self.client.clone(), namespace);
        let read = timeout(READ_TIMEOUT, api.get_opt(lease_name)).await;
        let after = ObservedLease::after(before, read.ok().and_then(Result::ok));
        observed.insert(name.to_owned(), after.clone());
        Some(after)
    }

    /// Records that another installation builds an Architecture; what is to be reported of that.
    pub(in crate::reconcile) fn record_left(
        &self,
        key: &ArchitectureKey,
        other: &OtherInstallation,
    ) -> LeftReport {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let same = left.get_mut(key).filter(|before| before.other == *other);
        if let Some(same) = same {
            return same.next_report(Instant::now());
        }
        left.insert(key.clone(), LeftAlone { other: other.clone(), reported_at: None });
        self.metrics.architectures.set_left(left.len());
        LeftReport::First
    }

    /// Records that the Event was written.
    pub(in crate::reconcile) fn mark_reported(&self, key: &ArchitectureKey) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = left.get_mut(key) {
            entry.reported_at = Some(Instant::now());
        }
    }

    /// The Architecture is deleted, or this installation builds it.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.remove(key).is_some() {
            self.metrics.architectures.set_left(left.len());
        }
    }
}

impl LeftAlone {
    /// What is to be reported now, after the first report was tried.
    fn next_report(&mut self, now: Instant) -> LeftReport {
        match self.reported_at {
            None => LeftReport::Pending,
            Some(at) if now.duration_since(at) < REPORT_INTERVAL => LeftReport::NotDue,
            Some(_) => {
                self.reported_at = None;
                LeftReport::Again
            }
        }
    }
}

impl ObservedLease {
    /// What is known after one more read, which gave `read`; none if it failed.
    fn after(before: Option<Self>, read: Option<Option<Lease>>) -> Self {
        let now = Instant::now();
        let is_readable = read.is_some();
        let lease = read.flatten();
        let same = before.filter(|before| before.is_readable && before.lease == lease);
        let unchanged_since = same.map_or(now, |before| before.unchanged_since);
        Self { lease, is_readable, unchanged_since, read_at: now }
    }

    /// Whether the installation has ended: its Lease did not change while it was observed for long
    /// enough, and is gone or was renewed long ago. The first does not depend on clocks that agree.
    fn has_expired(&self, now: Instant, today: Timestamp) -> bool {
        let spec = self.lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let renewed_at = spec.and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0);
        let age = renewed_at.map(|at| today.duration_since(at).unsigned_abs());
        self.is_readable
            && now.duration_since(self.unchanged_since) >= OBSERVATION
            && age.is_none_or(|age| age >= TAKEOVER_AGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{
        api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime,
    };

    fn observed(renewed_at: Option<Timestamp>, unchanged_since: Instant) -> ObservedLease {
        let spec = LeaseSpec { renew_time: renewed_at.map(MicroTime), ..LeaseSpec::default() };
        let lease = Some(Lease { spec: Some(spec), ..Lease::default() });
        ObservedLease { lease, is_readable: true, unchanged_since, read_at: unchanged_since }
    }

    #[test]
    fn what_is_left_to_another_is_reported_until_written_and_again_before_the_event_expires() {
        let now = Instant::now();
        let other = OtherInstallation { name: "a/b".to_owned(), reason: OtherReason::Running };
        let mut left = LeftAlone { other, reported_at: None };
        assert_eq!(left.next_report(now), LeftReport::Pending);
        left.reported_at = Some(now);
        assert_eq!(left.next_report(now + REPORT_INTERVAL / 2), LeftReport::NotDue);
        assert_eq!(left.next_report(now + REPORT_INTERVAL), LeftReport::Again);
        assert_eq!(left.next_report(now + REPORT_INTERVAL), LeftReport::Pending);
        assert!(REPORT_INTERVAL < Duration::from_secs(3600));
    }

    #[test]
    fn an_installation_has_ended_when_its_lease_is_old_and_stays_so() {
        let begin = Instant::now();
        let end = begin + OBSERVATION;
        let today = Timestamp::now();
        let long_ago = Some(today - TAKEOVER_AGE);
        assert!(observed(long_ago, begin).has_expired(end, today));
        assert!(!observed(long_ago, begin).has_expired(begin, today), "its clock may be wrong");
        assert!(!observed(Some(today), begin).has_expired(end, today), "it may be restarting");
        let missing = ObservedLease { lease: None, ..observed(None, begin) };
        assert!(missing.has_expired(end, today));
        assert!(!missing.has_expired(begin, today));
        let unreadable = ObservedLease { is_readable: false, ..missing };
        assert!(!unreadable.has_expired(end, today), "it may run");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_changes_is_observed_from_then_on() {
        let lease = |transitions| {
            let spec = LeaseSpec { lease_transitions: Some(transitions), ..LeaseSpec::default() };
            Some(Some(Lease { spec: Some(spec), ..Lease::default() }))
        };
        let begin = Instant::now();
        let first = ObservedLease::after(None, lease(1));
        tokio::time::advance(READ_INTERVAL).await;
        let second = ObservedLease::after(Some(first), lease(1));
        assert_eq!(second.unchanged_since, begin);
        let third = ObservedLease::after(Some(second), lease(2));
        assert_eq!(third.unchanged_since, begin + READ_INTERVAL);
    }
}
