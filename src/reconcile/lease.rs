//! Leader election: one replica of several works, the one that holds the Lease.
//!
//! As client-go does it: a Lease is only taken from a holder whose renewals have not been seen for
//! the Lease's whole duration by our own clock, so that clocks need not agree; every write carries
//! the resource version that was read, so that one of two who try wins.

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, Client, api::PostParams};
use maquette_contract::keys::{FIELD_MANAGER, MANAGER};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long a Lease holds after its last renewal.
const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How often the holder renews it.
const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// A holder who could not renew it for so long works no more: earlier than others may take it.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the others look.
const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// No single request takes longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// Why a renewal did not succeed.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the API server did not answer within {} s", REQUEST_TIMEOUT.as_secs())]
    TimedOut,
    #[error("the API server did not take it")]
    Refused(#[from] kube::Error),
}

/// This replica in the election.
pub(super) struct LeaseCandidate {
    api: Api<Lease>,
    identity: String,
    /// The Lease as it was last read or written, and when it last changed by our own clock.
    observed: Option<(Lease, Instant)>,
}

impl LeaseCandidate {
    /// The candidate of this identity for the Lease in `namespace`.
    pub(super) fn new(client: Client, namespace: &str, identity: String) -> Self {
        Self { api: Api::namespaced(client, namespace), identity, observed: None }
    }

    /// Waits until this replica leads.
    pub(super) async fn acquire(&mut self) {
        loop {
            match self.try_acquire_or_renew().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = error_chain(&error), "could not read or take the lease");
                }
            }
            tokio::time::sleep(RETRY_PERIOD).await;
        }
    }

    /// Renews the Lease for as long as that succeeds; returns when this replica leads no more.
    pub(super) async fn renew_until_lost(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(if renewed.elapsed() < RENEW_INTERVAL {
                RENEW_INTERVAL
            } else {
                RETRY_PERIOD / 2
            })
            .await;
            match self.try_acquire_or_renew().await {
                Ok(true) => renewed = Instant::now(),
                // Somebody else wrote to it, such as a label: still ours.
                Ok(false) if self.is_holder() => continue,
                Ok(false) => {
                    tracing::error!(holder = self.observed_holder(), "the lease was lost");
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = error_chain(&error), "could not renew the lease");
                }
            }
            if renewed.elapsed() >= RENEW_DEADLINE {
                tracing::error!("the lease could not be renewed in time");
                return;
            }
        }
    }

    /// Gives the Lease up, so that another takes it at once.
    pub(super) async fn release(&mut self) {
        if !self.is_holder() {
            return;
        }
        let Some((lease, _)) = self.observed.take() else { return };
        let spec = LeaseSpec { holder_identity: None, ..lease.spec.unwrap_or_default() };
        let lease = Lease { metadata: lease.metadata, spec: Some(spec) };
        if let Err(error) = self.update_lease(lease).await {
            tracing::warn!(
                error = error_chain(&error),
                "could not give the lease up; it will expire"
            );
        }
    }

    fn is_holder(&self) -> bool {
        self.observed_holder() == Some(&*self.identity)
    }

    fn observed_holder(&self) -> Option<&str> {
        self.observed.as_ref().and_then(|(lease, _)| holder_of(lease))
    }

    /// Takes or renews the Lease if that is allowed; tells whether this replica holds it now. A
    /// holder renews without reading: the resource version in its write tells if it has lost.
    async fn try_acquire_or_renew(&mut self) -> Result<bool, LeaseError> {
        if !self.is_holder() {
            self.observe_lease().await?;
        }
        let Some((lease, changed)) = self.observed.clone() else {
            return self.create_lease().await;
        };
        let free = holder_of(&lease).is_none() || changed.elapsed() >= LEASE_DURATION;
        if !self.is_holder() && !free {
            return Ok(false);
        }
        let lease = self.next_lease(Some(lease));
        let written = self.update_lease(lease).await?;
        if !written {
            self.observed = None;
            self.observe_lease().await?;
        }
        Ok(written)
    }

    async fn observe_lease(&mut self) -> Result<(), LeaseError> {
        let found = with_timeout(self.api.get_opt(MANAGER)).await?;
        let same = |found: &Lease| {
            let seen = self.observed.as_ref()?;
            (seen.0.metadata.resource_version == found.metadata.resource_version).then_some(seen.1)
        };
        self.observed = found.map(|found| {
            let changed = same(&found).unwrap_or_else(Instant::now);
            (found, changed)
        });
        Ok(())
    }

    /// The Lease held by us, after `before`.
    fn next_lease(&self, before: Option<Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let (metadata, before) = match before {
            Some(lease) => (lease.metadata, lease.spec.unwrap_or_default()),
            None => (
                ObjectMeta { name: Some(MANAGER.to_owned()), ..ObjectMeta::default() },
                LeaseSpec::default(),
            ),
        };
        let mine = before.holder_identity.as_deref() == Some(&*self.identity);
        let transitions = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| mine).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(if mine { transitions } else { transitions.saturating_add(1) }),
            ..before
        };
        Lease { metadata, spec: Some(spec) }
    }

    async fn create_lease(&mut self) -> Result<bool, LeaseError> {
        let made = with_timeout(self.api.create(&post_params(), &self.next_lease(None))).await;
        self.check_write(made)
    }

    async fn update_lease(&mut self, lease: Lease) -> Result<bool, LeaseError> {
        let made = with_timeout(self.api.replace(MANAGER, &post_params(), &lease)).await;
        self.check_write(made)
    }

    /// Whether a write succeeded; it does not if another was faster.
    fn check_write(&mut self, made: Result<Lease, LeaseError>) -> Result<bool, LeaseError> {
        match made {
            Ok(lease) => {
                self.observed = Some((lease, Instant::now()));
                Ok(true)
            }
            // Both `Conflict` and `AlreadyExists` are 409.
            Err(LeaseError::Refused(kube::Error::Api(status)))
                if matches!(status.code, 404 | 409) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn post_params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false }
}

fn holder_of(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

async fn with_timeout<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, LeaseError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(LeaseError::TimedOut),
    }
}

/// An error and its causes in one line.
fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
