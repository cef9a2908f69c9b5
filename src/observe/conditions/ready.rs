//! `Ready`: whether the whole model works. It is not true while requests fail or reports that it
//! needs are missing.

use super::{
    Assessment, ConditionState, ConditionStatus, Reason,
    causes::{blocked, spec_refused, worst_issue},
    change::ActiveChange,
    overlay_connected, traffic_flowing,
    volume_pressure::volume_full,
};
use crate::{
    api::{EdgeState, EdgeStatus},
    observe::text::{counted, join_items},
};

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    let change = ActiveChange::in_progress(assessment);
    spec_refused(assessment)
        .or_else(|| worst_issue(assessment).map(|(_, state)| state))
        .or_else(|| components_not_ready(assessment, change.as_ref()))
        .or_else(|| volume_full(assessment))
        .or_else(|| edges_failing(assessment, change.as_ref()))
        .or_else(|| blocked(assessment))
        .or_else(|| change.map(|change| evolving(assessment, &change)))
        .or_else(|| entry_broken(assessment))
        .or_else(|| edges_unknown(assessment))
        .or_else(|| overlay_not_connected(assessment))
        .or_else(|| traffic_not_flowing(assessment))
        .unwrap_or_else(|| all_works(assessment))
}

fn all_works(assessment: &Assessment<'_>) -> ConditionState {
    let components = counted(assessment.components.len() as u64, "component");
    let edges = counted(assessment.edges.len() as u64, "edge");
    let message = format!("{components} available, {edges} working");
    ConditionState::new_true(Reason::AllWorks, message)
}

/// Components that are not available and should be: all of them, unless a change explains it.
fn components_not_ready(
    assessment: &Assessment<'_>,
    change: Option<&ActiveChange<'_>>,
) -> Option<ConditionState> {
    let unavailable = assessment.unavailable_components_where(|component, shortfall| {
        change.is_none_or(|change| change.is_fault(component, shortfall))
    });
    if unavailable.is_empty() {
        return None;
    }
    Some(ConditionState::new_false(Reason::ComponentsNotReady, join_items(unavailable)))
}

fn edges_failing(
    assessment: &Assessment<'_>,
    change: Option<&ActiveChange<'_>>,
) -> Option<ConditionState> {
    let message = edge_lines(assessment, |edge| {
        edge.state == EdgeState::Failing && change.is_none_or(|change| change.is_edge_fault(edge))
    })?;
    Some(ConditionState::new_false(Reason::EdgesFailing, message))
}

fn edges_unknown(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let message = edge_lines(assessment, |edge| edge.state == EdgeState::Unknown)?;
    Some(ConditionState::new_unknown(Reason::EdgesUnknown, message))
}

fn edge_lines(
    assessment: &Assessment<'_>,
    is_listed: impl Fn(&EdgeStatus) -> bool,
) -> Option<String> {
    let edges = assessment.edges.iter().filter(|edge| is_listed(edge));
    let lines: Vec<_> = edges
        .map(|edge| {
            let message = edge.message.as_deref().unwrap_or("no reason known");
            format!("{} -> {}: {message}", edge.from, edge.to)
        })
        .collect();
    (!lines.is_empty()).then(|| join_items(lines))
}

/// A change in progress. It fails no request of users: if one fails, that comes first.
fn evolving(assessment: &Assessment<'_>, change: &ActiveChange<'_>) -> ConditionState {
    let traffic = traffic_flowing::evaluate(assessment);
    match traffic.status {
        ConditionStatus::False => traffic,
        _ => ConditionState::new_false(Reason::Evolving, change.message()),
    }
}

fn entry_broken(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let wanted = assessment.target.entry.as_ref()?;
    let entry = &assessment.running.entry;
    let issue = match &entry.component {
        Some(component) if component != wanted => {
            Some(format!("it leads to {component}, not to {wanted}"))
        }
        _ => entry.issue.clone(),
    };
    let name = &assessment.subject.identity.name;
    let message = format!("Service {name}, the entry: {}", issue?);
    Some(ConditionState::new_false(Reason::EntryBroken, message))
}

fn overlay_not_connected(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let overlay = overlay_connected::evaluate(assessment)?;
    (overlay.status != ConditionStatus::True).then_some(overlay)
}

fn traffic_not_flowing(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let traffic = traffic_flowing::evaluate(assessment);
    match traffic.status {
        ConditionStatus::True => None,
        ConditionStatus::False => Some(traffic),
        // A load sends requests all the time: while none ends, whether users are served is unknown.
        // Without a load there may be no users at all.
        ConditionStatus::Unknown => assessment.traffic.has_load.then_some(traffic),
    }
}
