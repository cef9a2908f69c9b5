//! Emits Kubernetes Events for transitions.
//!
//! An Event follows from the status before and after a write, so none is repeated while nothing
//! changes, also not by a restarted operator. An Event that cannot be written is dropped.

use super::super::{
    context::{Context, ReconcileContext},
    key::ArchitectureKey,
};
use crate::{
    api::{ArchitectureStatus, EvolutionStep, Shape},
    observe::{Reason, condition_types},
};
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use std::time::Duration;

/// An Event that takes longer to write is dropped.
const EMIT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest note, in characters; Kubernetes accepts 1024 bytes.
const MAX_NOTE_CHARS: usize = 300;

/// Reasons of `Ready` that are emitted even if it was false before: users must act on them.
const ACTIONABLE_READY_REASONS: [Reason; 4] =
    [Reason::Conflict, Reason::ApplyFailed, Reason::Refused, Reason::Unreadable];
/// Reasons of `Progressing` that users must act on.
const ACTIONABLE_PROGRESSING_REASONS: [Reason; 4] =
    [Reason::Blocked, Reason::PodsNotReady, Reason::VolumesUnchanged, Reason::VolumesTerminating];

/// Emits the Events of the transition from the status `before` to `now`.
pub(super) async fn emit(
    cx: &ReconcileContext<'_>,
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) {
    let reference = cx.architecture.object_ref(&());
    for event in events_between(before, now) {
        tracing::info!(
            architecture = %cx.key(), reason = event.reason, note = event.note, "emitting an Event"
        );
        publish_event(cx.shared, cx.key(), &event, &reference).await;
    }
}

/// Writes one Event; a failure is logged.
pub(super) async fn publish_event(
    shared: &Context,
    key: &ArchitectureKey,
    event: &Event,
    reference: &ObjectReference,
) {
    let publish = shared.recorder.publish(event, reference);
    match tokio::time::timeout(EMIT_TIMEOUT, publish).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(architecture = %key, %error, "an Event was not written");
        }
        Err(_) => tracing::warn!(
            architecture = %key,
            "an Event was not written within {} s", EMIT_TIMEOUT.as_secs()
        ),
    }
}

/// The step that started between the status `before` and `now`.
pub(super) fn started_step(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<EvolutionStep> {
    let (to, step) = evolution_step(now)?;
    (before.and_then(evolution_step) != Some((to, step))).then_some(step)
}

/// The step that is in progress, and the shape that it leads to.
pub(super) fn evolution_step(status: &ArchitectureStatus) -> Option<(Shape, EvolutionStep)> {
    status.evolution.as_ref().map(|evolution| (evolution.to, evolution.step))
}

fn events_between(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Vec<Event> {
    let evolution = step_event(before, now).or_else(|| completion_event(before, now));
    let progressing = progressing_event(before, now);
    // One Event for one reason.
    let ready = ready_event(before, now).filter(|ready| {
        progressing.as_ref().is_none_or(|progressing| progressing.reason != ready.reason)
    });
    evolution.into_iter().chain(progressing).chain(ready).collect()
}

fn step_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let step = started_step(before, now)?;
    let to = now.evolution.as_ref()?.to.as_str();
    let effect = match step {
        EvolutionStep::Expand => "new components start beside those that serve",
        EvolutionStep::Cutover => "callers move to the new components, end users last",
        EvolutionStep::Finalize => {
            "the final copies of items are made, and migration sources are dropped"
        }
        EvolutionStep::Contract => "components that are no longer specified are deleted",
    };
    let name = step.as_str();
    let note = format!("{name}, on the way to {to}: {effect}");
    // The recorder counts Events that differ only in their note as one and keeps the first note.
    // So the action names the step.
    Some(new_event(EventType::Normal, "EvolutionStep", &format!("{name}To{to}"), &note))
}

/// An evolution that is no longer in progress and did not just stop.
fn completion_event(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<Event> {
    // An evolution that was reverted ends with the shape that serves, not with its target.
    let to = now.shape.unwrap_or(before?.evolution.as_ref()?.to).as_str();
    let progressing = find_condition(now, condition_types::PROGRESSING)?;
    if now.evolution.is_some() || is_one_of(progressing, &[Reason::Blocked, Reason::Refused]) {
        return None;
    }
    let note = format!("the change to {to} is complete");
    Some(new_event(EventType::Normal, "EvolutionDone", &format!("EvolveTo{to}"), &note))
}

/// `Progressing` with another reason that users must act on.
fn progressing_event(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<Event> {
    let current = find_condition(now, condition_types::PROGRESSING)?;
    let previous = before.and_then(|before| find_condition(before, condition_types::PROGRESSING));
    let is_new = previous.is_none_or(|previous| previous.reason != current.reason);
    (is_new && is_one_of(current, &ACTIONABLE_PROGRESSING_REASONS))
        .then(|| new_event(EventType::Warning, &current.reason, "Evolve", &current.message))
}

/// `Ready` that turned, or that has another reason that users must act on.
fn ready_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let current = find_condition(now, condition_types::READY)?;
    let previous = before.and_then(|before| find_condition(before, condition_types::READY));
    let has_turned = previous.is_some_and(|previous| previous.status != current.status);
    let is_new = previous.is_none_or(|previous| previous.reason != current.reason);
    let must_emit = has_turned || (is_new && is_one_of(current, &ACTIONABLE_READY_REASONS));
    if !must_emit {
        return None;
    }
    // An evolution in progress is no reason for a warning.
    let is_normal = current.status == "True" || is_one_of(current, &[Reason::Evolving]);
    let type_ = if is_normal { EventType::Normal } else { EventType::Warning };
    Some(new_event(type_, &current.reason, "Reconcile", &current.message))
}

fn new_event(type_: EventType, reason: &str, action: &str, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note.chars().take(MAX_NOTE_CHARS).collect()),
        action: action.to_owned(),
        secondary: None,
    }
}

fn find_condition<'a>(status: &'a ArchitectureStatus, type_: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == type_)
}

fn is_one_of(condition: &Condition, reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| condition.reason == reason.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EvolutionStatus, Shape};
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    fn condition(type_: &str, status: &str, reason: Reason) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: "why".to_owned(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    /// A status with this step towards n-tier, and these conditions.
    fn status(
        step: Option<EvolutionStep>,
        ready: (&str, Reason),
        progressing: (&str, Reason),
    ) -> ArchitectureStatus {
        ArchitectureStatus {
            evolution: step.map(|step| EvolutionStatus {
                from: Some(Shape::ThreeTier),
                to: Shape::NTier,
                step,
                since: Time(Timestamp::UNIX_EPOCH),
                message: String::new(),
            }),
            conditions: vec![
                condition(condition_types::READY, ready.0, ready.1),
                condition(condition_types::PROGRESSING, progressing.0, progressing.1),
            ],
            ..ArchitectureStatus::default()
        }
    }

    fn emitted(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Vec<String> {
        let events = events_between(before, now).into_iter();
        events.map(|event| format!("{:?} {} {}", event.type_, event.reason, event.action)).collect()
    }

    const READY_NOW: (&str, Reason) = ("True", Reason::AllWorks);
    const UP_TO_DATE: (&str, Reason) = ("False", Reason::UpToDate);
    const NOT_READY: (&str, Reason) = ("False", Reason::Evolving);
    const EVOLVING: (&str, Reason) = ("True", Reason::Evolving);

    #[test]
    fn every_transition_is_emitted_once() {
        let course = [
            status(None, READY_NOW, UP_TO_DATE),
            status(Some(EvolutionStep::Expand), NOT_READY, EVOLVING),
            status(Some(EvolutionStep::Cutover), NOT_READY, EVOLVING),
            status(Some(EvolutionStep::Cutover), NOT_READY, ("False", Reason::PodsNotReady)),
            status(Some(EvolutionStep::Contract), NOT_READY, EVOLVING),
            status(None, READY_NOW, UP_TO_DATE),
        ];
        let expected: [&[&str]; 5] = [
            &["Normal EvolutionStep ExpandToNTier", "Normal Evolving Reconcile"],
            &["Normal EvolutionStep CutoverToNTier"],
            &["Warning PodsNotReady Evolve"],
            &["Normal EvolutionStep ContractToNTier"],
            &["Normal EvolutionDone EvolveToNTier", "Normal AllWorks Reconcile"],
        ];
        for (pair, expected) in course.windows(2).zip(expected) {
            assert_eq!(emitted(Some(&pair[0]), &pair[1]), expected);
            assert_eq!(emitted(Some(&pair[1]), &pair[1]), [""; 0], "emitted again");
        }
    }

    #[test]
    fn an_evolution_that_stops_is_not_complete() {
        let before = status(Some(EvolutionStep::Expand), NOT_READY, EVOLVING);
        let blocked = ("False", Reason::Blocked);
        assert_eq!(
            emitted(Some(&before), &status(None, blocked, blocked)),
            ["Warning Blocked Evolve"]
        );
        let works = status(None, READY_NOW, UP_TO_DATE);
        let emitted_once = emitted(Some(&works), &status(None, blocked, blocked));
        assert_eq!(emitted_once, ["Warning Blocked Evolve"], "Ready turned for the same reason");
        let refused = ("False", Reason::Refused);
        let now = status(Some(EvolutionStep::Expand), refused, refused);
        assert_eq!(emitted(Some(&before), &now), ["Warning Refused Reconcile"]);
    }

    #[test]
    fn a_reverted_evolution_names_the_shape_that_serves() {
        let before = status(Some(EvolutionStep::Expand), NOT_READY, EVOLVING);
        let shape = Some(Shape::ThreeTier);
        let now = ArchitectureStatus { shape, ..status(None, READY_NOW, UP_TO_DATE) };
        let expected = ["Normal EvolutionDone EvolveToThreeTier", "Normal AllWorks Reconcile"];
        assert_eq!(emitted(Some(&before), &now), expected);
    }

    #[test]
    fn a_new_architecture_emits_only_what_users_must_fix() {
        let missing = status(None, ("False", Reason::ComponentsNotReady), EVOLVING);
        assert_eq!(emitted(None, &missing), [""; 0]);
        let conflict = ("False", Reason::Conflict);
        assert_eq!(
            emitted(None, &status(None, conflict, conflict)),
            ["Warning Conflict Reconcile"]
        );
        let lost = status(None, ("False", Reason::ComponentsNotReady), UP_TO_DATE);
        let works = status(None, READY_NOW, UP_TO_DATE);
        assert_eq!(emitted(Some(&works), &lost), ["Warning ComponentsNotReady Reconcile"]);
    }
}
