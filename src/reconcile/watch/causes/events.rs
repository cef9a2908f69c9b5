//! The newest Warning Event of an object.

use super::{CauseSource, try_read};
use crate::observe::Warning;
use k8s_openapi::{
    api::core::v1::Event,
    jiff::{SignedDuration, Timestamp},
};
use kube::{Api, api::ListParams};

/// Older Events do not count: controllers try again within about 17 minutes.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(20);
/// Events of one object that are read.
const MAX_EVENTS: u32 = 100;

/// The newest Warning Event of the object of this UID.
pub(super) async fn newest_warning(
    source: &CauseSource,
    uid: &str,
    now: Timestamp,
) -> Option<Warning> {
    let api: Api<Event> = Api::namespaced(source.client.clone(), &source.namespace);
    let selector = format!("involvedObject.uid={uid},type=Warning");
    let params = ListParams::default().fields(&selector).limit(MAX_EVENTS);
    let events = try_read("Events", api.list(&params)).await?;
    let newest = events
        .items
        .into_iter()
        .filter_map(|event| Some((observed_at(&event)?, event)))
        .filter(|(at, _)| now.duration_since(*at) <= MAX_AGE)
        .max_by_key(|(at, _)| *at)?
        .1;
    Some(Warning { reason: newest.reason?, message: newest.message.unwrap_or_default() })
}

fn observed_at(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let observed = series.or(event.event_time.as_ref()).map(|time| time.0);
    observed.into_iter().chain(last).chain(created).max()
}
