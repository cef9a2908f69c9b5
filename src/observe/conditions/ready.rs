//! `Ready`: whether the whole works. Never true while requests fail or nobody knows.

use super::{Holds, Reason, Verdict, View, overlay_connected, traffic_flowing};
use crate::{
    api::{EdgeState, EdgeStatus},
    observe::{
        Acceptance, IssueKind,
        words::{count, list},
    },
};

pub(super) fn judge(view: &View<'_>) -> Verdict {
    let yes = || {
        let components = count(view.components.len() as u64, "component");
        let edges = count(view.edges.len() as u64, "edge");
        Verdict::new(
            Holds::Yes,
            Reason::AllWorks,
            format!("{components} available, {edges} working"),
        )
    };
    refused(view)
        .or_else(|| trouble(view))
        .or_else(|| components(view))
        .or_else(|| failing(view))
        .or_else(|| blocked(view))
        .or_else(|| evolving(view))
        .or_else(|| entry(view))
        .or_else(|| unknown(view))
        .or_else(|| overlay(view))
        .or_else(|| users(view))
        .unwrap_or_else(yes)
}

fn no(reason: Reason, message: impl Into<String>) -> Option<Verdict> {
    Some(Verdict::new(Holds::No, reason, message))
}

fn refused(view: &View<'_>) -> Option<Verdict> {
    match view.facts.acceptance {
        Acceptance::Accepted { .. } => None,
        Acceptance::Refused { .. } => no(Reason::Refused, "the specification is not accepted"),
        Acceptance::Unreadable { .. } => no(Reason::Unreadable, "the specification cannot be read"),
    }
}

fn trouble(view: &View<'_>) -> Option<Verdict> {
    let worst = view.facts.issues.iter().map(|trouble| trouble.kind).max()?;
    let said = view.facts.issues.iter().filter(|trouble| trouble.kind == worst);
    let reason = match worst {
        IssueKind::Removal => Reason::WaitingForRemoval,
        IssueKind::Failed => Reason::ApplyFailed,
        IssueKind::Conflict => Reason::Conflict,
        IssueKind::Unreadable => Reason::Unreadable,
    };
    no(reason, list(said.map(|trouble| trouble.message.clone())))
}

fn components(view: &View<'_>) -> Option<Verdict> {
    let missing = super::progressing::missing_components(view);
    if missing.is_empty() {
        return None;
    }
    no(Reason::ComponentsNotReady, list(missing))
}

fn said(edge: &EdgeStatus) -> String {
    let message = edge.message.as_deref().unwrap_or("no reason known");
    format!("{} -> {}: {message}", edge.from, edge.to)
}

fn edges(view: &View<'_>, state: EdgeState) -> Option<String> {
    let found: Vec<_> = view.edges.iter().filter(|edge| edge.state == state).map(said).collect();
    if found.is_empty() { None } else { Some(list(found)) }
}

fn failing(view: &View<'_>) -> Option<Verdict> {
    no(Reason::EdgesFailing, edges(view, EdgeState::Failing)?)
}

fn unknown(view: &View<'_>) -> Option<Verdict> {
    let message = edges(view, EdgeState::Unknown)?;
    Some(Verdict::new(Holds::Unknown, Reason::EdgesUnknown, message))
}

fn blocked(view: &View<'_>) -> Option<Verdict> {
    if view.facts.cannot.is_empty() {
        return None;
    }
    no(Reason::Blocked, list(view.facts.cannot.iter().cloned()))
}

fn evolving(view: &View<'_>) -> Option<Verdict> {
    if view.facts.waits.is_empty() {
        return None;
    }
    no(Reason::Evolving, list(view.facts.waits.iter().cloned()))
}

fn entry(view: &View<'_>) -> Option<Verdict> {
    let wanted = view.facts.entry.as_ref()?;
    let found = &view.running.entry;
    let trouble = match &found.component {
        Some(component) if component != wanted => {
            Some(format!("it leads to {component}, not to {wanted}"))
        }
        _ => found.trouble.clone(),
    };
    let name = &view.facts.identity.name;
    no(Reason::EntryBroken, format!("Service {name}, the entry: {}", trouble?))
}

fn overlay(view: &View<'_>) -> Option<Verdict> {
    let verdict = overlay_connected::judge(view)?;
    (verdict.holds != Holds::Yes).then_some(verdict)
}

/// A load sends requests all the time: while none has ended, nobody knows whether users are served.
fn users(view: &View<'_>) -> Option<Verdict> {
    let verdict = traffic_flowing::judge(view);
    let unknown = view.users.load && verdict.holds == Holds::Unknown;
    (verdict.holds == Holds::No || unknown).then_some(verdict)
}
