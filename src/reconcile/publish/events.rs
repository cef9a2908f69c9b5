//! Emits Kubernetes Events for transitions.
//!
//! An Event follows from the status before and after a write, so none is repeated while nothing
//! changes, also not by a restarted operator.

use super::{super::context::ReconcileContext, event_writer::publish_event};
use crate::{
    api::{ArchitectureStatus, EvolutionStep, Shape},
    observe::{Reason, condition_types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};

/// Longest note, in characters.
const MAX_NOTE_CHARS: usize = 300;

/// Reasons of `Ready` that something broke: they are emitted although it was not true before, if
/// that was because of a change in progress or of missing reports.
const FAULT_REASONS: [Reason; 6] = [
    Reason::ComponentsNotReady,
    Reason::VolumeFull,
    Reason::EdgesFailing,
    Reason::RequestsFailing,
    Reason::WritesLost,
    Reason::WrongAnswers,
];
/// Reasons of `Progressing` that users must act on, and that do not stop the operator.
const VOLUME_REASONS: [Reason; 2] = [Reason::VolumesUnchanged, Reason::VolumesTerminating];

/// Conditions that are there only while something is wrong, and that users must act on.
const STORAGE_CONDITIONS: [&str; 2] =
    [condition_types::VOLUME_PRESSURE, condition_types::ITEMS_DAMAGED];

/// Emits the Events of the transition from the status `before` to `now`. Returns whether all are
/// written; the others are kept.
pub(super) async fn emit(
    cx: &ReconcileContext<'_>,
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> bool {
    let mut all_written = true;
    let reference = cx.architecture.object_ref(&());
    for event in events_between(before, now) {
        tracing::info!(
            architecture = %cx.key(), reason = event.reason, note = event.note, "emitting an Event"
        );
        all_written = publish_event(cx.shared, cx.key(), &event, &reference).await;
    }
    all_written
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
    let stalled = stalled_event(before, now);
    // One Event for one cause.
    let ready = ready_event(before, now)
        .filter(|ready| stalled.is_none() || ready.type_ == EventType::Normal);
    let volumes = volume_event(before, now);
    let storage = storage_events(before, now)
        .filter(|event| ready.as_ref().is_none_or(|ready| ready.reason != event.reason));
    let storage: Vec<_> = storage.collect();
    evolution.into_iter().chain(stalled).chain(volumes).chain(storage).chain(ready).collect()
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

/// `Stalled` that turned true, or for another reason, or for another specification.
fn stalled_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let current = find_condition(now, condition_types::STALLED)?;
    let previous = before.and_then(|before| find_condition(before, condition_types::STALLED));
    let is_known = previous.is_some_and(|previous| {
        previous.reason == current.reason
            && (previous.message == current.message
                || previous.observed_generation == current.observed_generation)
    });
    let warning = || new_event(EventType::Warning, &current.reason, "Reconcile", &current.message);
    (!is_known).then(warning)
}

/// `Progressing` with another reason about volumes.
fn volume_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let current = find_condition(now, condition_types::PROGRESSING)?;
    let previous = before.and_then(|before| find_condition(before, condition_types::PROGRESSING));
    let is_new = previous.is_none_or(|previous| previous.reason != current.reason);
    (is_new && is_one_of(current, &VOLUME_REASONS))
        .then(|| new_event(EventType::Warning, &current.reason, "Evolve", &current.message))
}

/// Conditions about volumes and items that turned true, or have another reason.
fn storage_events<'a>(
    before: Option<&'a ArchitectureStatus>,
    now: &'a ArchitectureStatus,
) -> impl Iterator<Item = Event> {
    STORAGE_CONDITIONS.into_iter().filter_map(move |type_| {
        let current = find_condition(now, type_)?;
        let previous = before.and_then(|before| find_condition(before, type_));
        let is_new = previous.is_none_or(|previous| previous.reason != current.reason);
        is_new.then(|| new_event(EventType::Warning, &current.reason, "Store", &current.message))
    })
}

/// `Ready` that turned true or is true no more, or a fault during a change.
fn ready_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let current = find_condition(now, condition_types::READY)?;
    let previous = before.and_then(|before| find_condition(before, condition_types::READY));
    let is_ready = current.status == "True";
    let has_turned = previous.is_some_and(|previous| (previous.status == "True") != is_ready);
    let has_failed = is_one_of(current, &[Reason::ApplyFailed])
        && previous.is_none_or(|previous| previous.reason != current.reason);
    let has_broken = is_one_of(current, &FAULT_REASONS)
        && previous.is_some_and(|previous| {
            previous.status == "Unknown" || is_one_of(previous, &[Reason::Evolving])
        });
    if !(has_turned || has_failed || has_broken) {
        return None;
    }
    // A change in progress is no reason for a warning.
    let is_normal = is_ready || is_one_of(current, &[Reason::Evolving]);
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

    /// A status with this step towards n-tier, and these conditions. It is stalled if it does not
    /// progress for a reason that users must act on.
    fn status(
        step: Option<EvolutionStep>,
        ready: (&str, Reason),
        progressing: (&str, Reason),
    ) -> ArchitectureStatus {
        let is_stalled = progressing.0 == "False"
            && !matches!(progressing.1, Reason::UpToDate | Reason::VolumesUnchanged);
        let stalled =
            is_stalled.then(|| condition(condition_types::STALLED, "True", progressing.1));
        let conditions = [
            condition(condition_types::READY, ready.0, ready.1),
            condition(condition_types::PROGRESSING, progressing.0, progressing.1),
        ];
        ArchitectureStatus {
            evolution: step.map(|step| EvolutionStatus {
                from: Some(Shape::ThreeTier),
                to: Shape::NTier,
                step,
                since: Time(Timestamp::UNIX_EPOCH),
                message: String::new(),
            }),
            conditions: conditions.into_iter().chain(stalled).collect(),
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
            &["Warning PodsNotReady Reconcile"],
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
            ["Warning Blocked Reconcile"]
        );
        let works = status(None, READY_NOW, UP_TO_DATE);
        let emitted_once = emitted(Some(&works), &status(None, blocked, blocked));
        assert_eq!(emitted_once, ["Warning Blocked Reconcile"], "Ready turned for the same reason");
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
        let unknown = status(None, ("Unknown", Reason::EdgesUnknown), UP_TO_DATE);
        let works = status(None, READY_NOW, UP_TO_DATE);
        // What the API server sets by default.
        let unobserved =
            ArchitectureStatus { observed_generation: Some(-1), ..ArchitectureStatus::default() };
        assert_eq!(emitted(None, &missing), [""; 0]);
        assert_eq!(emitted(Some(&unobserved), &missing), [""; 0]);
        assert_eq!(emitted(Some(&missing), &unknown), [""; 0]);
        assert_eq!(emitted(Some(&unknown), &works), ["Normal AllWorks Reconcile"]);
        let conflict = ("False", Reason::Conflict);
        assert_eq!(
            emitted(None, &status(None, conflict, conflict)),
            ["Warning Conflict Reconcile"]
        );
        let stuck = ("False", Reason::PodsNotReady);
        let stuck = status(None, ("False", Reason::ComponentsNotReady), stuck);
        for before in [Some(&missing), Some(&unobserved), None] {
            assert_eq!(emitted(before, &stuck), ["Warning PodsNotReady Reconcile"]);
        }
    }

    #[test]
    fn what_breaks_is_emitted_also_during_a_change() {
        let lost = status(None, ("False", Reason::ComponentsNotReady), UP_TO_DATE);
        let unknown = status(None, ("Unknown", Reason::NotReported), UP_TO_DATE);
        let works = status(None, READY_NOW, UP_TO_DATE);
        let expand = Some(EvolutionStep::Expand);
        let healthy = status(expand, NOT_READY, EVOLVING);
        let broken = status(expand, ("False", Reason::ComponentsNotReady), EVOLVING);
        let expected = ["Warning ComponentsNotReady Reconcile"];
        assert_eq!(emitted(Some(&works), &lost), expected);
        assert_eq!(emitted(Some(&unknown), &lost), expected);
        assert_eq!(emitted(Some(&healthy), &broken), expected);
        assert_eq!(emitted(Some(&broken), &healthy), [""; 0]);
        assert_eq!(emitted(Some(&works), &unknown), ["Warning NotReported Reconcile"]);
        let done = status(None, ("Unknown", Reason::EdgesUnknown), UP_TO_DATE);
        assert_eq!(emitted(Some(&healthy), &done), ["Normal EvolutionDone EvolveToNTier"]);
    }

    #[test]
    fn another_specification_that_is_refused_is_emitted_again() {
        let refused = ("False", Reason::Refused);
        let mut first = status(None, refused, refused);
        first.conditions[2].observed_generation = Some(1);
        let mut second = first.clone();
        second.conditions[2].message = "another reason".to_owned();
        assert_eq!(emitted(Some(&first), &second), [""; 0], "of the same specification");
        second.conditions[2].observed_generation = Some(2);
        assert_eq!(emitted(Some(&first), &second), ["Warning Refused Reconcile"]);
    }
}
