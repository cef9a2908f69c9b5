//! Reports that another installation of the operator builds an Architecture.

use super::{
    super::{
        context::Context,
        key::ArchitectureKey,
        watch::{LeftReport, LenientArchitecture, OtherInstallation, OtherReason},
    },
    event_writer::{publish_event, write_pending},
};
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use maquette_contract::keys::ANNOTATION_OPERATOR;

/// Drops what this process knows of the Architecture, and says in an Event whose it is: at
/// first, and again before the Event expires. Nothing else is written.
pub(in crate::reconcile) async fn leave_alone(
    architecture: &LenientArchitecture,
    key: &ArchitectureKey,
    other: &OtherInstallation,
    shared: &Context,
) {
    let report = shared.installation.record_left(key, other);
    match report {
        LeftReport::NotDue => return,
        LeftReport::Pending => {
            if write_pending(shared, key).await {
                shared.installation.mark_reported(key);
            }
            return;
        }
        LeftReport::First => {
            shared.states.forget(key);
            shared.poll_schedule.forget(key);
            shared.metrics.forget_architecture(key);
            shared.rollout_slots.release(key);
        }
        LeftReport::Again => {}
    }
    let note = note_of(key, other, shared.installation.name());
    tracing::warn!(architecture = %key, note, "another installation builds the Architecture");
    let event = Event {
        type_: EventType::Warning,
        reason: "OtherInstallation".to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if publish_event(shared, key, &event, &architecture.object_ref(&())).await {
        shared.installation.mark_reported(key);
    }
}

fn note_of(key: &ArchitectureKey, other: &OtherInstallation, own: Option<&str>) -> String {
    let name = &other.name;
    let us = own.unwrap_or("an operator without leader election");
    let cause = match other.reason {
        OtherReason::Assigned => {
            return format!(
                "the annotation {ANNOTATION_OPERATOR} gives this Architecture to the installation \
                 {name}, so {us} writes nothing. Change or remove the annotation if that is wrong"
            );
        }
        OtherReason::Running => "which is running",
        OtherReason::Unreadable => "which may be running: its lease cannot be read",
    };
    let fix = match own {
        Some(own) => format!(
            "kubectl annotate architecture -n {} {} {ANNOTATION_OPERATOR}={own}",
            key.namespace, key.name
        ),
        None => "stop that installation".to_owned(),
    };
    format!(
        "the installation {name}, {cause}, builds this Architecture, so {us} writes nothing. To \
         take it over: {fix}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(reason: OtherReason, own: Option<&str>) -> String {
        let key = ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() };
        let other = OtherInstallation { name: "team-a/maquette".to_owned(), reason };
        note_of(&key, &other, own)
    }

    #[test]
    fn the_note_names_both_installations_and_the_way_out() {
        assert_eq!(
            note(OtherReason::Running, Some("team-b/maquette")),
            "the installation team-a/maquette, which is running, builds this Architecture, so \
             team-b/maquette writes nothing. To take it over: kubectl annotate architecture -n \
             default shop maquette.dev/operator=team-b/maquette"
        );
        let unknown = note(OtherReason::Unreadable, None);
        assert!(unknown.ends_with("To take it over: stop that installation"), "{unknown}");
        let assigned = note(OtherReason::Assigned, Some("team-b/maquette"));
        assert!(assigned.contains("gives this Architecture to the installation team-a/maquette"));
    }
}
