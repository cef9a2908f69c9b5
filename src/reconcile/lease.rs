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
use maquette_contract::keys::{MANAGER, FIELD_MANAGER};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long a Lease holds after its last renewal.
const DURATION: Duration = Duration::from_secs(15);
/// How often the holder renews it.
const RENEW: Duration = Duration::from_secs(5);
/// A holder who could not renew it for so long works no more: earlier than others may take it.
const GIVE_UP: Duration = Duration::from_secs(10);
/// How often the others look.
const LOOK: Duration = Duration::from_secs(2);
/// No single request takes longer.
const REQUEST: Duration = Duration::from_secs(4);

/// Why a renewal did not succeed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server did not answer within {} s", REQUEST.as_secs())]
    TooSlow,
    #[error("the API server did not take it")]
    Refused(#[from] kube::Error),
}

/// This replica in the election.
pub(super) struct Candidate {
    api: Api<Lease>,
    identity: String,
    /// The Lease as it was last read or written, and when it last changed by our own clock.
    seen: Option<(Lease, Instant)>,
}

impl Candidate {
    /// The candidate of this identity for the Lease in `namespace`.
    pub(super) fn new(client: Client, namespace: &str, identity: String) -> Self {
        Self { api: Api::namespaced(client, namespace), identity, seen: None }
    }

    /// Waits until this replica leads.
    pub(super) async fn lead(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "could not read or take the lease");
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Renews the Lease for as long as that succeeds; returns when this replica leads no more.
    pub(super) async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(if renewed.elapsed() < RENEW { RENEW } else { LOOK / 2 }).await;
            match self.attempt().await {
                Ok(true) => renewed = Instant::now(),
                // Somebody else wrote to it, such as a label: still ours.
                Ok(false) if self.is_mine() => continue,
                Ok(false) => {
                    tracing::error!(holder = self.holder(), "the lease was lost");
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "could not renew the lease");
                }
            }
            if renewed.elapsed() >= GIVE_UP {
                tracing::error!("the lease could not be renewed in time");
                return;
            }
        }
    }

    /// Gives the Lease up, so that another takes it at once.
    pub(super) async fn give_up(&mut self) {
        if !self.is_mine() {
            return;
        }
        let Some((lease, _)) = self.seen.take() else { return };
        let spec = LeaseSpec { holder_identity: None, ..lease.spec.unwrap_or_default() };
        let lease = Lease { metadata: lease.metadata, spec: Some(spec) };
        if let Err(error) = self.write(lease).await {
            tracing::warn!(error = chain(&error), "could not give the lease up; it will expire");
        }
    }

    fn is_mine(&self) -> bool {
        self.holder() == Some(&*self.identity)
    }

    fn holder(&self) -> Option<&str> {
        self.seen.as_ref().and_then(|(lease, _)| holder(lease))
    }

    /// Takes or renews the Lease if that is allowed; tells whether this replica holds it now. A
    /// holder renews without reading: the resource version in its write tells if it has lost.
    async fn attempt(&mut self) -> Result<bool, Error> {
        if !self.is_mine() {
            self.look().await?;
        }
        let Some((lease, changed)) = self.seen.clone() else {
            return self.create().await;
        };
        let free = holder(&lease).is_none() || changed.elapsed() >= DURATION;
        if !self.is_mine() && !free {
            return Ok(false);
        }
        let lease = self.lease(Some(lease));
        let written = self.write(lease).await?;
        if !written {
            self.seen = None;
            self.look().await?;
        }
        Ok(written)
    }

    async fn look(&mut self) -> Result<(), Error> {
        let found = limited(self.api.get_opt(MANAGER)).await?;
        let same = |found: &Lease| {
            let seen = self.seen.as_ref()?;
            (seen.0.metadata.resource_version == found.metadata.resource_version).then_some(seen.1)
        };
        self.seen = found.map(|found| {
            let changed = same(&found).unwrap_or_else(Instant::now);
            (found, changed)
        });
        Ok(())
    }

    /// The Lease held by us, after `before`.
    fn lease(&self, before: Option<Lease>) -> Lease {
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
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| mine).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(if mine { transitions } else { transitions.saturating_add(1) }),
            ..before
        };
        Lease { metadata, spec: Some(spec) }
    }

    async fn create(&mut self) -> Result<bool, Error> {
        let made = limited(self.api.create(&params(), &self.lease(None))).await;
        self.written(made)
    }

    async fn write(&mut self, lease: Lease) -> Result<bool, Error> {
        let made = limited(self.api.replace(MANAGER, &params(), &lease)).await;
        self.written(made)
    }

    /// Whether a write succeeded; it does not if another was faster.
    fn written(&mut self, made: Result<Lease, Error>) -> Result<bool, Error> {
        match made {
            Ok(lease) => {
                self.seen = Some((lease, Instant::now()));
                Ok(true)
            }
            // Both `Conflict` and `AlreadyExists` are 409.
            Err(Error::Refused(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false }
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

async fn limited<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
    match tokio::time::timeout(REQUEST, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::TooSlow),
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
