//! What `plan --watch` prints of a change that is in progress, and whether the change is over. It
//! reads no cluster and no clock.

use crate::{
    evolve::Step,
    observe::{Reason, condition_types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Deserialize;

/// The parts of an Architecture that show its progress. It is lenient: other versions of the
/// operator may write a different status.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ObservedArchitecture {
    #[serde(default)]
    pub(super) metadata: ObservedMetadata,
    #[serde(default)]
    pub(super) status: ObservedStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ObservedMetadata {
    pub(super) generation: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObservedStatus {
    /// Ready of all, such as `4/8`.
    pub(super) components_ready: Option<String>,
    #[serde(default)]
    pub(super) conditions: Vec<Condition>,
    pub(super) evolution: Option<ObservedEvolution>,
}

/// `status.evolution`, as far as this command prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ObservedEvolution {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) step: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProgressState {
    InProgress,
    /// All of it works as specified.
    Done,
    /// The specification is not valid.
    Refused,
    /// The change cannot continue until a user fixes the cause.
    Blocked,
}

impl ObservedArchitecture {
    /// The condition of this type, unless it is about an older generation.
    fn current_condition(&self, type_: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| {
            condition.type_ == type_ && condition.observed_generation == self.metadata.generation
        })
    }
}

/// The progress in one line, and whether the change is over.
pub(super) fn assess_progress(observed: &ObservedArchitecture) -> (String, ProgressState) {
    let accepted = observed.current_condition(condition_types::ACCEPTED);
    if let Some(refused) = accepted.filter(|accepted| accepted.status == "False") {
        return (format!("refused: {}", refused.message), ProgressState::Refused);
    }
    let stalled = observed.current_condition(condition_types::STALLED);
    if let Some(stalled) = stalled.filter(|stalled| stalled.status == "True") {
        return (blocked_line(stalled), ProgressState::Blocked);
    }
    let Some(progressing) = observed.current_condition(condition_types::PROGRESSING) else {
        let line = "waiting for the operator to observe it".to_owned();
        return (line, ProgressState::InProgress);
    };
    let is_up_to_date = progressing.reason == Reason::UpToDate.as_str();
    if progressing.status == "False" && !is_up_to_date {
        return (blocked_line(progressing), ProgressState::Blocked);
    }
    if let Some(evolution) = &observed.status.evolution {
        return (step_line(observed, evolution, progressing), ProgressState::InProgress);
    }
    match observed.current_condition(condition_types::READY) {
        Some(ready) if is_up_to_date && ready.status == "True" => {
            (status_line(observed, "done", &ready.message), ProgressState::Done)
        }
        Some(ready) if is_up_to_date => {
            (status_line(observed, "up to date", &ready.message), ProgressState::InProgress)
        }
        _ => (
            status_line(observed, &progressing.reason, &progressing.message),
            ProgressState::InProgress,
        ),
    }
}

fn blocked_line(condition: &Condition) -> String {
    format!("blocked: {}: {}", condition.reason, condition.message)
}

fn step_line(
    observed: &ObservedArchitecture,
    evolution: &ObservedEvolution,
    progressing: &Condition,
) -> String {
    let ObservedEvolution { from, to, step, message } = evolution;
    let shapes = match (from, to) {
        (Some(from), Some(to)) if from != to => format!("{from} to {to}, "),
        _ => String::new(),
    };
    let number = Step::ALL
        .iter()
        .position(|known| Some(known.as_str()) == step.as_deref())
        .map(|index| format!("{}/{} ", index + 1, Step::ALL.len()))
        .unwrap_or_default();
    let name = step.as_deref().unwrap_or(&progressing.reason);
    let details = message.as_ref().filter(|message| !message.is_empty());
    let what = format!("{shapes}{number}{name}");
    status_line(observed, &what, details.unwrap_or(&progressing.message))
}

fn status_line(observed: &ObservedArchitecture, what: &str, message: &str) -> String {
    let components = observed
        .status
        .components_ready
        .as_ref()
        .map(|ready| format!(" ({ready} components ready)"));
    format!("{what}{}: {message}", components.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(status: &str) -> ObservedArchitecture {
        let text = format!("{{metadata: {{generation: 3}}, status: {status}}}");
        serde_norway::from_str(&text).unwrap()
    }

    fn condition(type_: &str, status: &str, reason: &str, generation: i64) -> String {
        format!(
            "{{type: {type_}, status: '{status}', reason: {reason}, message: because, \
             observedGeneration: {generation}, lastTransitionTime: '2026-01-01T00:00:00Z'}}"
        )
    }

    fn assess(conditions: &[String], more: &str) -> (String, ProgressState) {
        assess_progress(&observed(&format!("{{conditions: [{}]{more}}}", conditions.join(", "))))
    }

    #[test]
    fn conditions_of_an_older_generation_do_not_count() {
        let old = [
            condition("Progressing", "False", "UpToDate", 2),
            condition("Ready", "True", "AllWorks", 2),
        ];
        assert_eq!(assess(&old, "").1, ProgressState::InProgress);
        assert_eq!(assess_progress(&observed("{}")).1, ProgressState::InProgress);
        let refused = [condition("Accepted", "False", "Refused", 2)];
        assert_eq!(assess(&refused, "").1, ProgressState::InProgress);
    }

    #[test]
    fn a_change_is_done_only_when_all_works() {
        let up_to_date = condition("Progressing", "False", "UpToDate", 3);
        let ready = |status| condition("Ready", status, "AllWorks", 3);
        let components = ", componentsReady: 5/5";
        let done = assess(&[up_to_date.clone(), ready("True")], components);
        assert_eq!(done, ("done (5/5 components ready): because".to_owned(), ProgressState::Done));
        assert_eq!(
            assess(&[up_to_date.clone(), ready("Unknown")], components).1,
            ProgressState::InProgress
        );
        assert_eq!(
            assess(std::slice::from_ref(&up_to_date), components).1,
            ProgressState::InProgress
        );
        let evolving = ", evolution: {from: ThreeTier, to: NTier, step: Contract, message: x}";
        assert_eq!(assess(&[up_to_date, ready("True")], evolving).1, ProgressState::InProgress);
    }

    #[test]
    fn a_step_has_its_number() {
        let evolving = condition("Progressing", "True", "Evolving", 3);
        let status = ", componentsReady: 4/8, \
                      evolution: {from: ThreeTier, to: NTier, step: Cutover, \
                      since: '2026-01-01T00:00:00Z', message: waiting for client}";
        let (line, state) = assess(std::slice::from_ref(&evolving), status);
        assert_eq!(
            line,
            "ThreeTier to NTier, 2/4 Cutover (4/8 components ready): waiting for client"
        );
        assert_eq!(state, ProgressState::InProgress);
        let (line, _) = assess(&[evolving], "");
        assert_eq!(line, "Evolving: because");
    }

    #[test]
    fn a_refusal_is_not_a_block() {
        let blocked = condition("Progressing", "False", "Conflict", 3);
        let (line, state) = assess(std::slice::from_ref(&blocked), "");
        assert_eq!((line.as_str(), state), ("blocked: Conflict: because", ProgressState::Blocked));
        // Also without a change in progress.
        let waits = condition("Progressing", "True", "ComponentsNotReady", 3);
        let stuck = condition("Stalled", "True", "PodsNotReady", 3);
        let (line, state) = assess(&[waits.clone(), stuck], "");
        assert_eq!(line, "blocked: PodsNotReady: because");
        assert_eq!(state, ProgressState::Blocked);
        let of_older_generation = condition("Stalled", "True", "PodsNotReady", 2);
        assert_eq!(assess(&[waits, of_older_generation], "").1, ProgressState::InProgress);
        let refused = [condition("Accepted", "False", "Refused", 3), blocked];
        assert_eq!(assess(&refused, "").1, ProgressState::Refused);
    }
}
