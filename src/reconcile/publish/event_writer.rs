//! Writes Events. One that was not written is kept and tried again, under the same name, so that it
//! is neither lost nor written twice. One that happens again is counted in a series: only one with
//! the same note, so that the note is right for each of the series.

use super::super::{context::Context, key::ArchitectureKey, state::EventRecord};
use k8s_openapi::{
    api::{
        core::v1::ObjectReference,
        events::v1::{Event as EventObject, EventSeries},
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
    runtime::events::{Event, EventType},
};
use std::time::Duration;

/// A write of an Event that takes longer has failed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);
/// An Event that happens again within this time continues its series.
const SERIES_TIME: SignedDuration = SignedDuration::from_mins(6);
/// The most Events of one Architecture that are kept; the oldest is dropped first.
const MAX_RECORDS: usize = 32;
/// The longest note, in bytes, that the API server accepts.
const MAX_NOTE_BYTES: usize = 1024;

/// Writes an Event about the Architecture, after those that are not written yet. Returns whether
/// nothing is left.
pub(super) async fn publish_event(
    shared: &Context,
    key: &ArchitectureKey,
    event: &Event,
    reference: &ObjectReference,
) -> bool {
    let now = Timestamp::now();
    let object = new_object(shared, event, reference, now);
    shared.states.with(key, |state| record_event(&mut state.events, object, now));
    write_pending(shared, key).await
}

/// Writes what is not written yet. Returns whether nothing is left.
pub(super) async fn write_pending(shared: &Context, key: &ArchitectureKey) -> bool {
    let pending = shared.states.with(key, |state| {
        let pending = state.events.iter().filter(|record| !record.is_written);
        pending.map(|record| record.object.clone()).collect::<Vec<_>>()
    });
    let api = Api::namespaced(shared.client.clone(), &key.namespace);
    for object in pending {
        match tokio::time::timeout(WRITE_TIMEOUT, write_object(&api, &object)).await {
            Ok(Ok(())) => {}
            // The same request would be refused again.
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 400 | 403 | 404 | 422) => {
                tracing::warn!(architecture = %key, error = status.message, "an Event was refused");
            }
            Ok(Err(error)) => {
                tracing::warn!(architecture = %key, %error, "an Event was not written");
                return false;
            }
            Err(_) => {
                let seconds = WRITE_TIMEOUT.as_secs();
                tracing::warn!(architecture = %key, "an Event was not written within {seconds} s");
                return false;
            }
        }
        shared.states.with(key, |state| {
            let same = state.events.iter_mut().filter(|record| record.object == object);
            same.for_each(|record| record.is_written = true);
        });
    }
    true
}

/// Creates the Event, or counts one more of its series.
async fn write_object(api: &Api<EventObject>, object: &EventObject) -> kube::Result<()> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    if let Some(series) = &object.series {
        let patch = EventObject { series: Some(series.clone()), ..EventObject::default() };
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        match patched {
            // The first of the series was never written, or it has expired.
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            result => return result.map(drop),
        }
    }
    match api.create(&PostParams::default(), object).await {
        // An attempt whose answer was lost has written it.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        result => result.map(drop),
    }
}

/// Adds the Event, or continues the series of the same Event. Drops those that are too old to be
/// continued.
fn record_event(records: &mut Vec<EventRecord>, object: EventObject, now: Timestamp) {
    records.retain(|record| {
        !record.is_written || now.duration_since(last_time(&record.object)) < SERIES_TIME
    });
    match records.iter_mut().find(|record| is_same(&record.object, &object)) {
        Some(record) => {
            let count = record.object.series.as_ref().map_or(1, |series| series.count) + 1;
            let last_observed_time = MicroTime(now);
            record.object.series = Some(EventSeries { count, last_observed_time });
            record.is_written = false;
        }
        None => records.push(EventRecord { object, is_written: false }),
    }
    let surplus = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..surplus);
}

fn is_same(a: &EventObject, b: &EventObject) -> bool {
    let key = |event: &EventObject| {
        (event.type_.clone(), event.reason.clone(), event.action.clone(), event.note.clone())
    };
    key(a) == key(b) && a.regarding == b.regarding
}

fn last_time(object: &EventObject) -> Timestamp {
    let last = object.series.as_ref().map(|series| &series.last_observed_time);
    last.or(object.event_time.as_ref()).map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

fn new_object(
    shared: &Context,
    event: &Event,
    reference: &ObjectReference,
    now: Timestamp,
) -> EventObject {
    let name = reference.name.as_deref().unwrap_or_default();
    EventObject {
        metadata: ObjectMeta {
            namespace: reference.namespace.clone(),
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            ..ObjectMeta::default()
        },
        type_: Some(match event.type_ {
            EventType::Normal => "Normal".to_owned(),
            EventType::Warning => "Warning".to_owned(),
        }),
        reason: Some(event.reason.clone()),
        action: Some(event.action.clone()),
        note: event
            .note
            .as_deref()
            .map(|note| note[..note.floor_char_boundary(MAX_NOTE_BYTES)].to_owned()),
        event_time: Some(MicroTime(now)),
        regarding: Some(reference.clone()),
        reporting_controller: Some(shared.reporter.controller.clone()),
        reporting_instance: shared.reporter.instance.clone(),
        ..EventObject::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn event(note: &str, now: Timestamp) -> EventObject {
        EventObject {
            reason: Some("AllWorks".to_owned()),
            note: Some(note.to_owned()),
            event_time: Some(MicroTime(now)),
            ..EventObject::default()
        }
    }

    fn shown(records: &[EventRecord]) -> Vec<(&str, i32)> {
        let shown = records.iter().map(|EventRecord { object, .. }| {
            let count = object.series.as_ref().map_or(1, |series| series.count);
            (object.note.as_deref().unwrap(), count)
        });
        shown.collect()
    }

    #[test]
    fn only_the_same_note_continues_a_series() {
        let mut records = vec![];
        for (note, second) in [("4 components", 0), ("7 components", 1), ("4 components", 2)] {
            record_event(&mut records, event(note, at(second)), at(second));
        }
        assert_eq!(shown(&records), [("4 components", 2), ("7 components", 1)]);
        assert!(records.iter().all(|record| !record.is_written));
    }

    #[test]
    fn an_old_event_is_forgotten_once_it_is_written() {
        let mut records = vec![];
        record_event(&mut records, event("lost", at(0)), at(0));
        record_event(&mut records, event("written", at(0)), at(0));
        records[1].is_written = true;
        record_event(&mut records, event("written", at(360)), at(360));
        assert_eq!(shown(&records), [("lost", 1), ("written", 1)]);
    }

    #[test]
    fn the_number_of_records_is_bounded() {
        let mut records = vec![];
        for number in 0..40 {
            record_event(&mut records, event(&format!("{number}"), at(number)), at(number));
        }
        assert_eq!(records.len(), MAX_RECORDS);
        assert_eq!(shown(&records)[0], ("8", 1));
    }
}
