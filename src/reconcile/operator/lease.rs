//! Leader election: of several replicas only the holder of the Lease reconciles.
//!
//! As in client-go, a Lease is taken only from a holder whose renewals were not observed for the
//! whole duration of the Lease by our own clock, so clocks need not agree. Every write carries the
//! resource version that was read, so that one of two concurrent writers wins.

use crate::reconcile::apply::create_params;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, Client};
use maquette_http_client::error_chain;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// How long a Lease is valid after its last renewal.
const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How often the holder renews it.
const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// A holder without a renewal for this long stops: earlier than others may take the Lease.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often a candidate looks at the Lease.
const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// A request that takes longer has failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// The namespace and name of a Lease. It also names the installation of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the API server did not answer within {} s", REQUEST_TIMEOUT.as_secs())]
    TimedOut,
    #[error("the API server refused the request")]
    Refused(#[from] kube::Error),
}

/// This replica in the election.
pub(super) struct LeaseCandidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    /// The Lease as last read or written, and when it was first observed like that.
    observed: Option<(Lease, Instant)>,
    /// When the last successful write of the Lease was requested: other replicas may see that
    /// write as soon as it is sent, and count its duration from then.
    renewed_at: Instant,
}

impl LeaseCandidate {
    pub(super) fn new(client: Client, lease: &LeaseName, identity: String) -> Self {
        let api = Api::namespaced(client, &lease.namespace);
        let name = lease.name.clone();
        Self { api, name, identity, observed: None, renewed_at: Instant::now() }
    }

    /// Returns once this replica leads.
    pub(super) async fn acquire(&mut self) {
        loop {
            match self.try_acquire_or_renew().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = error_chain(&error), "cannot read or take the lease");
                }
            }
            sleep(RETRY_PERIOD).await;
        }
    }

    /// Renews the Lease; returns once this replica no longer leads: at most [`RENEW_DEADLINE`]
    /// after the request of the last renewal began.
    pub(super) async fn renew_until_lost(&mut self) {
        loop {
            let deadline = self.renewed_at + RENEW_DEADLINE;
            match timeout_at(deadline, self.renew_once()).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::error!(holder = self.observed_holder(), "the lease was lost");
                    return;
                }
                Err(_) => {
                    let seconds = RENEW_DEADLINE.as_secs();
                    tracing::error!("the lease was not renewed within {seconds} s");
                    return;
                }
            }
        }
    }

    /// Waits until the next renewal is due, and tries it; returns whether the Lease is still ours.
    async fn renew_once(&mut self) -> bool {
        let next_attempt = Instant::now() + RETRY_PERIOD / 2;
        sleep_until(next_attempt.max(self.renewed_at + RENEW_INTERVAL)).await;
        match self.try_acquire_or_renew().await {
            // If another client wrote to it, such as a label, it is still ours.
            Ok(is_renewed) => is_renewed || self.is_holder(),
            Err(error) => {
                tracing::warn!(error = error_chain(&error), "cannot renew the lease");
                true
            }
        }
    }

    /// Clears the holder, so that another replica can take the Lease at once.
    pub(super) async fn release(&mut self) {
        if !self.is_holder() {
            return;
        }
        let Some((lease, _)) = self.observed.take() else { return };
        let spec = LeaseSpec { holder_identity: None, ..lease.spec.unwrap_or_default() };
        let released = Lease { metadata: lease.metadata, spec: Some(spec) };
        if let Err(error) = self.update_lease(released).await {
            tracing::warn!(
                error = error_chain(&error),
                "cannot release the lease; it expires in {} s",
                LEASE_DURATION.as_secs()
            );
        }
    }

    fn is_holder(&self) -> bool {
        self.observed_holder() == Some(&*self.identity)
    }

    fn observed_holder(&self) -> Option<&str> {
        self.observed.as_ref().and_then(|(lease, _)| holder_of(lease))
    }

    /// Takes or renews the Lease if it is free or ours; returns whether this replica holds it now.
    async fn try_acquire_or_renew(&mut self) -> Result<bool, LeaseError> {
        // A holder renews without reading: the resource version in its write detects a loss.
        if !self.is_holder() {
            self.observe_lease().await?;
        }
        let Some((lease, observed_at)) = self.observed.clone() else {
            return self.create_lease().await;
        };
        let is_free = holder_of(&lease).is_none() || observed_at.elapsed() >= LEASE_DURATION;
        if !self.is_holder() && !is_free {
            return Ok(false);
        }
        let is_written = self.update_lease(self.next_lease(Some(lease))).await?;
        if !is_written {
            self.observed = None;
            self.observe_lease().await?;
        }
        Ok(is_written)
    }

    async fn observe_lease(&mut self) -> Result<(), LeaseError> {
        let read = with_timeout(self.api.get_opt(&self.name)).await?;
        let before = self.observed.take();
        self.observed = read.map(|lease| {
            let version = &lease.metadata.resource_version;
            let unchanged = before.filter(|(seen, _)| seen.metadata.resource_version == *version);
            let observed_at = unchanged.map_or_else(Instant::now, |(_, at)| at);
            (lease, observed_at)
        });
        Ok(())
    }

    /// The Lease with us as its holder, after `before`.
    fn next_lease(&self, before: Option<Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let (metadata, spec) = match before {
            Some(lease) => (lease.metadata, lease.spec.unwrap_or_default()),
            None => (
                ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
                LeaseSpec::default(),
            ),
        };
        let is_ours = spec.holder_identity.as_deref() == Some(&*self.identity);
        let transitions = spec.lease_transitions.unwrap_or(0);
        let next = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: spec.acquire_time.filter(|_| is_ours).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(if is_ours {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..spec
        };
        Lease { metadata, spec: Some(next) }
    }

    async fn create_lease(&mut self) -> Result<bool, LeaseError> {
        let (api, lease) = (self.api.clone(), self.next_lease(None));
        self.send_write(api.create(&create_params(), &lease)).await
    }

    async fn update_lease(&mut self, lease: Lease) -> Result<bool, LeaseError> {
        let (api, name) = (self.api.clone(), self.name.clone());
        self.send_write(api.replace(&name, &create_params(), &lease)).await
    }

    /// Whether the write succeeded; false if another client was faster.
    async fn send_write(
        &mut self,
        write: impl Future<Output = Result<Lease, kube::Error>>,
    ) -> Result<bool, LeaseError> {
        let requested_at = Instant::now();
        match with_timeout(write).await {
            Ok(lease) => {
                self.observed = Some((lease, Instant::now()));
                self.renewed_at = requested_at;
                Ok(true)
            }
            // 404: it was deleted. 409: Conflict or AlreadyExists.
            Err(LeaseError::Refused(kube::Error::Api(status)))
                if matches!(status.code, 404 | 409) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn holder_of(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

async fn with_timeout<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, LeaseError> {
    match timeout(REQUEST_TIMEOUT, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(LeaseError::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response, StatusCode};
    use kube::client::Body;
    use std::convert::Infallible;

    /// Each request takes this long.
    const LATENCY: Duration = Duration::from_secs(3);

    /// An API server with no Lease that answers as many requests, then none.
    fn client_answering(requests: usize) -> Client {
        let mut answered = 0;
        let service = tower::service_fn(move |request: Request<Body>| {
            answered += 1;
            let is_answered = answered <= requests;
            async move {
                if !is_answered {
                    std::future::pending::<()>().await;
                }
                sleep(LATENCY).await;
                let is_read = request.method() == http::Method::GET;
                let body = request.into_body().collect_bytes().await.unwrap_or_default();
                let response = if is_read {
                    let status =
                        serde_json::json!({"status": "Failure", "reason": "NotFound", "code": 404});
                    Response::builder()
                        .status(StatusCode::NOT_FOUND)
                        .body(Body::from(status.to_string().into_bytes()))
                } else {
                    Response::builder().body(Body::from(body.to_vec()))
                };
                Ok::<_, Infallible>(response.expect("a response"))
            }
        });
        Client::new(service, "default")
    }

    /// A candidate whose API server answers as many requests.
    fn new_candidate(answered: usize) -> LeaseCandidate {
        let lease = LeaseName { namespace: "default".to_owned(), name: "maquette".to_owned() };
        LeaseCandidate::new(client_answering(answered), &lease, "a".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_is_noticed_10_s_after_the_last_renewal_was_requested() {
        // Read, create; the renewal is never answered.
        let mut candidate = new_candidate(2);
        let start = Instant::now();
        candidate.acquire().await;
        assert_eq!(start.elapsed(), 2 * LATENCY);
        candidate.renew_until_lost().await;
        // The create was requested when the read had been answered.
        assert_eq!(start.elapsed(), LATENCY + RENEW_DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_extends_the_lease() {
        let mut candidate = new_candidate(3);
        candidate.acquire().await;
        let start = Instant::now();
        candidate.renew_until_lost().await;
        // The create was requested one answer before `start`.
        assert_eq!(start.elapsed(), RENEW_INTERVAL + RENEW_DEADLINE - LATENCY);
    }
}
