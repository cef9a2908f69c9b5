//! `Ready`: whether the whole works. Never true while requests fail or nobody knows.

use super::{
    Assessment, ConditionState, ConditionStatus, Reason, overlay_connected, traffic_flowing,
};
use crate::{
    api::{EdgeState, EdgeStatus},
    observe::{
        Acceptance, IssueKind,
        text::{counted, join_items},
    },
};

pub(super) fn evaluate(view: &Assessment<'_>) -> ConditionState {
    let yes = || {
        let components = counted(view.components.len() as u64, "component");
        let edges = counted(view.edges.len() as u64, "edge");
        ConditionState::new(
            ConditionStatus::True,
            Reason::AllWorks,
            format!("{components} available, {edges} working"),
        )
    };
    spec_refused(view)
        .or_else(|| worst_issue(view))
        .or_else(|| components_not_ready(view))
        .or_else(|| edges_failing(view))
        .or_else(|| evolution_blocked(view))
        .or_else(|| evolution_pending(view))
        .or_else(|| entry_broken(view))
        .or_else(|| edges_unknown(view))
        .or_else(|| overlay_not_connected(view))
        .or_else(|| traffic_not_flowing(view))
        .unwrap_or_else(yes)
}

fn not_ready(reason: Reason, message: impl Into<String>) -> Option<ConditionState> {
    Some(ConditionState::new(ConditionStatus::False, reason, message))
}

fn spec_refused(view: &Assessment<'_>) -> Option<ConditionState> {
    match view.facts.acceptance {
        Acceptance::Accepted { .. } => None,
        Acceptance::Refused { .. } => {
            not_ready(Reason::Refused, "the specification is not accepted")
        }
        Acceptance::Unreadable { .. } => {
            not_ready(Reason::Unreadable, "the specification cannot be read")
        }
    }
}

fn worst_issue(view: &Assessment<'_>) -> Option<ConditionState> {
    let worst = view.facts.issues.iter().map(|trouble| trouble.kind).max()?;
    let said = view.facts.issues.iter().filter(|trouble| trouble.kind == worst);
    let reason = match worst {
        IssueKind::Removal => Reason::WaitingForRemoval,
        IssueKind::Failed => Reason::ApplyFailed,
        IssueKind::Conflict => Reason::Conflict,
        IssueKind::Unreadable => Reason::Unreadable,
    };
    not_ready(reason, join_items(said.map(|trouble| trouble.message.clone())))
}

fn components_not_ready(view: &Assessment<'_>) -> Option<ConditionState> {
    let missing = super::progressing::unavailable_components(view);
    if missing.is_empty() {
        return None;
    }
    not_ready(Reason::ComponentsNotReady, join_items(missing))
}

fn edge_message(edge: &EdgeStatus) -> String {
    let message = edge.message.as_deref().unwrap_or("no reason known");
    format!("{} -> {}: {message}", edge.from, edge.to)
}

fn edges_in_state(view: &Assessment<'_>, state: EdgeState) -> Option<String> {
    let found: Vec<_> =
        view.edges.iter().filter(|edge| edge.state == state).map(edge_message).collect();
    if found.is_empty() { None } else { Some(join_items(found)) }
}

fn edges_failing(view: &Assessment<'_>) -> Option<ConditionState> {
    not_ready(Reason::EdgesFailing, edges_in_state(view, EdgeState::Failing)?)
}

fn edges_unknown(view: &Assessment<'_>) -> Option<ConditionState> {
    let message = edges_in_state(view, EdgeState::Unknown)?;
    Some(ConditionState::new(ConditionStatus::Unknown, Reason::EdgesUnknown, message))
}

fn evolution_blocked(view: &Assessment<'_>) -> Option<ConditionState> {
    if view.facts.blockers.is_empty() {
        return None;
    }
    not_ready(Reason::Blocked, join_items(view.facts.blockers.iter().cloned()))
}

fn evolution_pending(view: &Assessment<'_>) -> Option<ConditionState> {
    if view.facts.waits.is_empty() {
        return None;
    }
    not_ready(Reason::Evolving, join_items(view.facts.waits.iter().cloned()))
}

fn entry_broken(view: &Assessment<'_>) -> Option<ConditionState> {
    let wanted = view.facts.entry.as_ref()?;
    let found = &view.running.entry;
    let trouble = match &found.component {
        Some(component) if component != wanted => {
            Some(format!("it leads to {component}, not to {wanted}"))
        }
        _ => found.issue.clone(),
    };
    let name = &view.facts.identity.name;
    not_ready(Reason::EntryBroken, format!("Service {name}, the entry: {}", trouble?))
}

fn overlay_not_connected(view: &Assessment<'_>) -> Option<ConditionState> {
    let verdict = overlay_connected::evaluate(view)?;
    (verdict.status != ConditionStatus::True).then_some(verdict)
}

/// A load sends requests all the time: while none has ended, nobody knows whether users are served.
fn traffic_not_flowing(view: &Assessment<'_>) -> Option<ConditionState> {
    let verdict = traffic_flowing::evaluate(view);
    let unknown = view.traffic.has_load && verdict.status == ConditionStatus::Unknown;
    (verdict.status == ConditionStatus::False || unknown).then_some(verdict)
}
