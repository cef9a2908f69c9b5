//! The whole status, built from the assessment.

use super::{Assessment, Reason, component, condition_types, conditions, evolution, text::shorten};
use crate::api::ArchitectureStatus;
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

/// The longest message of a condition or of the change in progress, in bytes.
const MAX_MESSAGE: usize = 4096;
/// The most that all messages of the components, of the edges or of the volumes may take, in bytes:
/// the API server refuses objects of more than about 1.5 MiB.
const MAX_LIST: usize = 128 * 1024;

impl Assessment<'_> {
    /// The status to write.
    pub fn status(&self) -> ArchitectureStatus {
        let ready = self.components.iter().filter(|(_, found)| found.is_available()).count();
        let components = self.components.iter().map(|(planned, availability)| {
            let running = self.running.component(&planned.name);
            component::component_status(planned, running, availability)
        });
        let identity = self.subject.identity;
        let conditions = conditions::all_conditions(self);
        let mut status = ArchitectureStatus {
            observed_generation: Some(self.subject.generation),
            operator: self.subject.operator.map(str::to_owned),
            shape: self.target.shape,
            evolution: evolution::evolution_status(self, &conditions),
            entry: Some(format!("http://{}", identity.service_host(identity.name.as_str()))),
            components_ready: Some(format!("{ready}/{}", self.components.len())),
            conditions,
            components: components.collect(),
            edges: self.edges.clone(),
            volumes: self.outcome.volumes.clone(),
        };
        shorten_messages(&mut status);
        status
    }
}

/// Cuts every message, so that the API server accepts the status, whatever it quotes.
fn shorten_messages(status: &mut ArchitectureStatus) {
    for condition in &mut status.conditions {
        shorten(&mut condition.message, MAX_MESSAGE);
    }
    if let Some(evolution) = &mut status.evolution {
        shorten(&mut evolution.message, MAX_MESSAGE);
    }
    let ArchitectureStatus { components, edges, volumes, .. } = status;
    shorten_list(components.iter_mut().map(|component| &mut component.message));
    shorten_list(edges.iter_mut().map(|edge| &mut edge.message));
    shorten_list(volumes.iter_mut().map(|volume| &mut volume.message));
}

/// Cuts the messages of a list, each to its share of [`MAX_LIST`].
fn shorten_list<'a>(messages: impl ExactSizeIterator<Item = &'a mut Option<String>>) {
    let share = (MAX_LIST / messages.len().max(1)).min(MAX_MESSAGE);
    messages.flatten().for_each(|message| shorten(message, share));
}

/// A panic in the reconcile of one Architecture.
#[derive(Clone, Copy, Debug)]
pub struct PanicReport<'a> {
    /// The message of the panic.
    pub message: &'a str,
    /// `metadata.generation` of the specification.
    pub generation: i64,
    /// When it happened.
    pub now: Timestamp,
}

/// The status after a panic: `before`, but whether the model is ready is unknown.
pub fn status_after_panic(
    before: Option<&ArchitectureStatus>,
    report: &PanicReport<'_>,
) -> ArchitectureStatus {
    let mut status = before.cloned().unwrap_or_default();
    let mut message = format!(
        "the operator has a bug and stopped in the middle of a reconcile, which it repeats: {}. What \
         runs is left as it is; please report the bug with this message",
        report.message
    );
    shorten(&mut message, MAX_MESSAGE);
    let old = status.conditions.iter().position(|old| old.type_ == condition_types::READY);
    let old = old.map(|index| status.conditions.remove(index));
    let since = old.filter(|old| old.status == "Unknown").map(|old| old.last_transition_time);
    status.observed_generation = Some(report.generation);
    status.conditions.push(Condition {
        type_: condition_types::READY.to_owned(),
        status: "Unknown".to_owned(),
        reason: Reason::InternalError.as_str().to_owned(),
        message,
        observed_generation: Some(report.generation),
        last_transition_time: since.unwrap_or(Time(report.now)),
    });
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EdgeState, EdgeStatus};

    #[test]
    fn a_status_is_cut_to_what_the_api_server_accepts() {
        let edge = |index: usize| EdgeStatus {
            from: format!("a{index}"),
            to: "b".to_owned(),
            state: EdgeState::Failing,
            message: Some("x".repeat(100_000)),
        };
        let condition = Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: "Refused".to_owned(),
            message: "y".repeat(100_000),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        let mut status = ArchitectureStatus {
            conditions: vec![condition],
            edges: (0..1000).map(edge).collect(),
            ..ArchitectureStatus::default()
        };
        shorten_messages(&mut status);
        assert_eq!(status.conditions[0].message.len(), 4096);
        let messages = status.edges.iter().filter_map(|edge| edge.message.as_ref());
        assert!(messages.map(String::len).sum::<usize>() <= MAX_LIST);
    }

    #[test]
    fn a_panic_leaves_all_but_ready_as_it_was() {
        let report = |seconds| PanicReport {
            message: "index out of bounds",
            generation: 3,
            now: Timestamp::from_second(seconds).unwrap(),
        };
        let before = ArchitectureStatus {
            entry: Some("http://shop".to_owned()),
            ..ArchitectureStatus::default()
        };
        let first = status_after_panic(Some(&before), &report(1));
        assert_eq!(first.entry, before.entry);
        assert_eq!(first.observed_generation, Some(3));
        let ready = &first.conditions[0];
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("Unknown", "InternalError"));
        assert!(ready.message.contains("index out of bounds"), "{}", ready.message);
        assert_eq!(status_after_panic(Some(&first), &report(9)), first, "it is written once");
    }
}
