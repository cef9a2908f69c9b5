//! Tells of transitions by Kubernetes Events.
//!
//! What is told follows from the status before and now, so that nothing is told again while nothing
//! changes, also not by an operator that was restarted. An Event that cannot be written is let go.

use super::reconcile_context::ReconcileContext;
use crate::{
    api::{ArchitectureStatus, EvolutionStep},
    observe::{Reason, condition_types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use std::time::Duration;

/// No Event is worth a longer wait.
const EMIT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest note, in characters; Kubernetes takes 1024 bytes.
const MAX_NOTE_CHARS: usize = 300;

/// Reasons of `Ready` that are told even where it was false before: users must mend them.
const ACTIONABLE_READY_REASONS: [Reason; 4] =
    [Reason::Conflict, Reason::ApplyFailed, Reason::Refused, Reason::Unreadable];
/// The same of `Progressing`.
const ACTIONABLE_PROGRESSING_REASONS: [Reason; 3] =
    [Reason::Blocked, Reason::PodsNotReady, Reason::VolumesUnchanged];

/// Tells what happened between the status `before` and `now`.
pub(super) async fn emit(
    work: &ReconcileContext<'_>,
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) {
    let reference = work.architecture.object_ref(&());
    for event in events_between(before, now) {
        tracing::info!(
            architecture = %work.key(), reason = event.reason, note = event.note, "telling"
        );
        let written = work.shared.recorder.publish(&event, &reference);
        match tokio::time::timeout(EMIT_TIMEOUT, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(architecture = %work.key(), %error, "an Event was not written");
            }
            Err(_) => {
                tracing::warn!(architecture = %work.key(), "an Event was not written in time")
            }
        }
    }
}

/// The step that began between the status `before` and `now`.
pub(super) fn started_step(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<EvolutionStep> {
    let id = |status: &ArchitectureStatus| {
        status.evolution.as_ref().map(|evolution| (evolution.to, evolution.step))
    };
    let (_, step) = id(now).filter(|now| before.and_then(id) != Some(*now))?;
    Some(step)
}

/// What is worth telling.
fn events_between(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Vec<Event> {
    let mut events: Vec<_> =
        step_event(before, now).or_else(|| completion_event(before, now)).into_iter().collect();
    let progress = progressing_event(before, now);
    let ready = ready_event(before, now);
    // One Event for one reason.
    let ready =
        ready.filter(|ready| progress.as_ref().is_none_or(|told| told.reason != ready.reason));
    events.extend(progress.into_iter().chain(ready));
    events
}

/// The recorder counts Events that differ in nothing but their note as one, with the first note:
/// so the action says which step this is.
fn step_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let step = started_step(before, now)?;
    let to = now.evolution.as_ref()?.to;
    let what = match step {
        EvolutionStep::Expand => "new components come up beside those that serve",
        EvolutionStep::Cutover => "callers move to the new components, end users last",
        EvolutionStep::Finalize => "new owners of items get what the old ones still took",
        EvolutionStep::Contract => "components that are no longer wanted go",
    };
    let name = step.as_str();
    let note = format!("{name}, on the way to {to:?}: {what}");
    Some(new_event(EventType::Normal, "EvolutionStep", &format!("{name}To{to:?}"), &note))
}

/// A change that is no longer under way, and did not just stop. Whoever turned back in the midst of
/// it is told of the shape that serves.
fn completion_event(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<Event> {
    let to = now.shape.unwrap_or(before?.evolution.as_ref()?.to);
    let progressing = find_condition(now, condition_types::PROGRESSING)?;
    if now.evolution.is_some() || is_one_of(progressing, &[Reason::Blocked, Reason::Refused]) {
        return None;
    }
    let note = format!("the change to {to:?} is complete");
    Some(new_event(EventType::Normal, "EvolutionDone", &format!("EvolveTo{to:?}"), &note))
}

/// Something in the way that users must mend.
fn progressing_event(
    before: Option<&ArchitectureStatus>,
    now: &ArchitectureStatus,
) -> Option<Event> {
    let progressing = find_condition(now, condition_types::PROGRESSING)?;
    let before = before.and_then(|before| find_condition(before, condition_types::PROGRESSING));
    let told = before.is_some_and(|before| before.reason == progressing.reason);
    let tell = is_one_of(progressing, &ACTIONABLE_PROGRESSING_REASONS) && !told;
    tell.then(|| new_event(EventType::Warning, &progressing.reason, "Evolve", &progressing.message))
}

/// `Ready` that turned, or that is false for another reason that users must mend.
fn ready_event(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Option<Event> {
    let ready = find_condition(now, condition_types::READY)?;
    let before = before.and_then(|before| find_condition(before, condition_types::READY));
    let turned = before.is_some_and(|before| before.status != ready.status);
    let other = before.is_none_or(|before| before.reason != ready.reason);
    let tell = turned || (other && is_one_of(ready, &ACTIONABLE_READY_REASONS));
    // A change that is on its way is nothing to be warned of.
    let fine = ready.status == "True" || is_one_of(ready, &[Reason::Evolving]);
    let type_ = if fine { EventType::Normal } else { EventType::Warning };
    tell.then(|| new_event(type_, &ready.reason, "Reconcile", &ready.message))
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
    reasons.iter().any(|reason| condition.reason == format!("{reason:?}"))
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
            reason: format!("{reason:?}"),
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
        let evolution = |step| EvolutionStatus {
            from: Some(Shape::ThreeTier),
            to: Shape::NTier,
            step,
            since: Time(Timestamp::UNIX_EPOCH),
            message: String::new(),
        };
        ArchitectureStatus {
            evolution: step.map(evolution),
            conditions: vec![
                condition(condition_types::READY, ready.0, ready.1),
                condition(condition_types::PROGRESSING, progressing.0, progressing.1),
            ],
            ..ArchitectureStatus::default()
        }
    }

    fn told(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> Vec<String> {
        let name = |event: Event| format!("{:?} {} {}", event.type_, event.reason, event.action);
        events_between(before, now).into_iter().map(name).collect()
    }

    const WORKS: (&str, Reason) = ("True", Reason::AllWorks);
    const SETTLED: (&str, Reason) = ("False", Reason::UpToDate);
    const NOT_YET: (&str, Reason) = ("False", Reason::Evolving);
    const GOING_ON: (&str, Reason) = ("True", Reason::Evolving);

    #[test]
    fn every_transition_is_told_once() {
        let course = [
            status(None, WORKS, SETTLED),
            status(Some(EvolutionStep::Expand), NOT_YET, GOING_ON),
            status(Some(EvolutionStep::Cutover), NOT_YET, GOING_ON),
            status(Some(EvolutionStep::Cutover), NOT_YET, ("False", Reason::PodsNotReady)),
            status(Some(EvolutionStep::Contract), NOT_YET, GOING_ON),
            status(None, WORKS, SETTLED),
        ];
        let expected: [&[&str]; 5] = [
            &["Normal EvolutionStep RaiseToNTier", "Normal Evolving Reconcile"],
            &["Normal EvolutionStep MoveToNTier"],
            &["Warning PodsNotReady Evolve"],
            &["Normal EvolutionStep RetireToNTier"],
            &["Normal EvolutionDone EvolveToNTier", "Normal AllWorks Reconcile"],
        ];
        for (pair, expected) in course.windows(2).zip(expected) {
            assert_eq!(told(Some(&pair[0]), &pair[1]), expected);
            assert_eq!(told(Some(&pair[1]), &pair[1]), [""; 0], "told again");
        }
    }

    #[test]
    fn a_change_that_stops_is_not_done() {
        let before = status(Some(EvolutionStep::Expand), NOT_YET, GOING_ON);
        let blocked = ("False", Reason::Blocked);
        assert_eq!(
            told(Some(&before), &status(None, blocked, blocked)),
            ["Warning Blocked Evolve"]
        );
        let works = status(None, WORKS, SETTLED);
        let told_once = told(Some(&works), &status(None, blocked, blocked));
        assert_eq!(told_once, ["Warning Blocked Evolve"], "Ready turned for the same reason");
        let refused = ("False", Reason::Refused);
        let refused = status(Some(EvolutionStep::Expand), refused, refused);
        assert_eq!(told(Some(&before), &refused), ["Warning Refused Reconcile"]);
    }

    #[test]
    fn a_change_that_was_turned_back_is_told_by_the_shape_that_serves() {
        let before = status(Some(EvolutionStep::Expand), NOT_YET, GOING_ON);
        let shape = Some(Shape::ThreeTier);
        let now = ArchitectureStatus { shape, ..status(None, WORKS, SETTLED) };
        let expected = ["Normal EvolutionDone EvolveToThreeTier", "Normal AllWorks Reconcile"];
        assert_eq!(told(Some(&before), &now), expected);
    }

    #[test]
    fn of_a_new_architecture_only_what_is_to_be_mended_is_told() {
        let missing = status(None, ("False", Reason::ComponentsNotReady), GOING_ON);
        assert_eq!(told(None, &missing), [""; 0]);
        let conflict = ("False", Reason::Conflict);
        assert_eq!(told(None, &status(None, conflict, conflict)), ["Warning Conflict Reconcile"]);
        let lost = status(None, ("False", Reason::ComponentsNotReady), SETTLED);
        let works = status(None, WORKS, SETTLED);
        assert_eq!(told(Some(&works), &lost), ["Warning ComponentsNotReady Reconcile"]);
    }
}
