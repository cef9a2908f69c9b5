//! What there is to say of a change that is under way, and whether it is over. It knows no cluster
//! and no clock.

use crate::{
    evolve::Step,
    observe::{Reason, condition_types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Deserialize;

/// An Architecture as far as its progress goes.
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
    pub(super) components_ready: Option<String>,
    #[serde(default)]
    pub(super) conditions: Vec<Condition>,
    pub(super) evolution: Option<ObservedEvolution>,
}

/// A change of what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ObservedEvolution {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) step: Option<String>,
    pub(super) message: Option<String>,
}

/// Whether there is more to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProgressState {
    /// There is.
    InProgress,
    /// All of it works as specified.
    Done,
    /// The specification is refused.
    Refused,
    /// Something stands in the way that does not go by itself.
    Blocked,
}

/// How it is now: one line, and whether it is over.
pub(super) fn assess_progress(seen: &ObservedArchitecture) -> (String, ProgressState) {
    let generation = seen.metadata.generation;
    let current = |type_: &str| {
        let found = seen.status.conditions.iter().find(|condition| condition.type_ == type_);
        found.filter(|condition| condition.observed_generation == generation)
    };
    let Some(progressing) = current(condition_types::PROGRESSING) else {
        return ("waiting for the operator to look at it".to_owned(), ProgressState::InProgress);
    };
    let refused = current(condition_types::ACCEPTED).filter(|accepted| accepted.status == "False");
    if let Some(accepted) = refused {
        return (format!("refused: {}", accepted.message), ProgressState::Refused);
    }
    let settled = progressing.reason == format!("{:?}", Reason::UpToDate);
    if progressing.status == "False" && !settled {
        let Condition { reason, message, .. } = progressing;
        return (format!("blocked: {reason}: {message}"), ProgressState::Blocked);
    }
    if let Some(evolution) = &seen.status.evolution {
        return (step_line(seen, evolution, progressing), ProgressState::InProgress);
    }
    match current(condition_types::READY) {
        Some(ready) if settled && ready.status == "True" => {
            (status_line(seen, "done", &ready.message), ProgressState::Done)
        }
        Some(ready) if settled => {
            (status_line(seen, "settled", &ready.message), ProgressState::InProgress)
        }
        _ => (
            status_line(seen, &progressing.reason, &progressing.message),
            ProgressState::InProgress,
        ),
    }
}

fn step_line(
    seen: &ObservedArchitecture,
    evolution: &ObservedEvolution,
    progressing: &Condition,
) -> String {
    let ObservedEvolution { from, to, step, message } = evolution;
    let number = Step::ALL.iter().position(|known| Some(known.as_str()) == step.as_deref());
    let number = number.map(|at| format!("{}/{} ", at + 1, Step::ALL.len())).unwrap_or_default();
    let way = match (from, to) {
        (Some(from), Some(to)) if from != to => format!("{from} to {to}, "),
        _ => String::new(),
    };
    let step = step.as_deref().unwrap_or(&progressing.reason);
    let message = message.as_ref().filter(|message| !message.is_empty());
    status_line(seen, &format!("{way}{number}{step}"), message.unwrap_or(&progressing.message))
}

fn status_line(seen: &ObservedArchitecture, what: &str, message: &str) -> String {
    let components = seen
        .status
        .components_ready
        .as_ref()
        .map(|components| format!(" ({components} components ready)"));
    format!("{what}{}: {message}", components.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: &str) -> ObservedArchitecture {
        let text = format!("{{metadata: {{generation: 3}}, status: {status}}}");
        serde_norway::from_str(&text).unwrap()
    }

    fn condition(type_: &str, status: &str, reason: &str, generation: i64) -> String {
        format!(
            "{{type: {type_}, status: '{status}', reason: {reason}, message: because, \
             observedGeneration: {generation}, lastTransitionTime: '2026-01-01T00:00:00Z'}}"
        )
    }

    fn of(conditions: &[String], more: &str) -> (String, ProgressState) {
        assess_progress(&seen(&format!("{{conditions: [{}]{more}}}", conditions.join(", "))))
    }

    #[test]
    fn what_is_said_of_an_older_specification_does_not_count() {
        let old = [
            condition("Progressing", "False", "UpToDate", 2),
            condition("Ready", "True", "AllWorks", 2),
        ];
        assert_eq!(of(&old, "").1, ProgressState::InProgress);
        assert_eq!(assess_progress(&seen("{}")).1, ProgressState::InProgress);
        let refused = [condition("Accepted", "False", "Refused", 2)];
        assert_eq!(of(&refused, "").1, ProgressState::InProgress);
    }

    #[test]
    fn it_is_done_when_all_works_and_not_before() {
        let settled = condition("Progressing", "False", "UpToDate", 3);
        let ready = |status| condition("Ready", status, "AllWorks", 3);
        let components = ", componentsReady: 5/5";
        let done = of(&[settled.clone(), ready("True")], components);
        assert_eq!(done, ("done (5/5 components ready): because".to_owned(), ProgressState::Done));
        assert_eq!(
            of(&[settled.clone(), ready("Unknown")], components).1,
            ProgressState::InProgress
        );
        assert_eq!(of(std::slice::from_ref(&settled), components).1, ProgressState::InProgress);
        let evolving = ", evolution: {from: ThreeTier, to: NTier, step: Contract, message: x}";
        assert_eq!(of(&[settled, ready("True")], evolving).1, ProgressState::InProgress);
    }

    #[test]
    fn a_step_is_told_with_its_number() {
        let evolving = condition("Progressing", "True", "Evolving", 3);
        let status = ", componentsReady: 4/8, evolution: {from: ThreeTier, to: NTier, step: Cutover, \
                      since: '2026-01-01T00:00:00Z', message: waiting for client}";
        let (line, verdict) = of(std::slice::from_ref(&evolving), status);
        assert_eq!(
            line,
            "ThreeTier to NTier, 2/4 Cutover (4/8 components ready): waiting for client"
        );
        assert_eq!(verdict, ProgressState::InProgress);
        let (line, _) = of(&[evolving], "");
        assert_eq!(line, "Evolving: because");
    }

    #[test]
    fn refusals_and_what_stands_in_the_way_are_told_apart() {
        let blocked = condition("Progressing", "False", "Conflict", 3);
        let (line, verdict) = of(std::slice::from_ref(&blocked), "");
        assert_eq!(
            (line.as_str(), verdict),
            ("blocked: Conflict: because", ProgressState::Blocked)
        );
        let refused = [condition("Accepted", "False", "Refused", 3), blocked];
        assert_eq!(of(&refused, "").1, ProgressState::Refused);
    }
}
