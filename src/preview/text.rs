//! A preview for people: one line for each thing that happens.

use super::{
    ComponentPreview, EdgePreview, ItemsFate, ItemsPreview, Preview, StagePreview, VolumeFate,
    VolumePreview,
};
use crate::graph::Change;
use std::collections::BTreeSet;

/// `preview` in words; empty if there is nothing to do.
pub fn text(preview: &Preview) -> String {
    let mut lines = vec![];
    if !preview.is_empty() {
        lines.extend(blocker_lines(preview));
        lines.extend(step_lines(&preview.stages));
        lines.extend(settings_lines(preview));
        let rest =
            if preview.items.len() == 1 { "all collections" } else { "all other collections" };
        lines.extend(titled_lines("Items", preview.items.iter().map(|one| items_line(one, rest))));
        lines.extend(titled_lines("Volumes", volume_lines(&preview.volumes)));
        if preview.cannot.is_empty() {
            lines.extend([String::new(), summary_line(preview)]);
        }
    }
    lines.iter().skip(1).map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn blocker_lines(preview: &Preview) -> Vec<String> {
    titled_lines(
        "This cannot be done, so that everything stays as it is",
        preview.cannot.iter().cloned(),
    )
}

fn settings_lines(preview: &Preview) -> Vec<String> {
    titled_lines("Settings", preview.settings.iter().map(ToString::to_string))
}

/// Lines under a title; none if there are no lines.
fn titled_lines(title: &str, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines = lines.into_iter().map(|line| format!("  {line}")).peekable();
    match lines.peek() {
        None => vec![],
        Some(_) => [String::new(), format!("{title}:")].into_iter().chain(lines).collect(),
    }
}

/// The stages, those of one step together.
fn step_lines(stages: &[StagePreview]) -> Vec<String> {
    let mut lines = vec![];
    for (number, step) in (1..).zip(stages.chunk_by(|a, b| a.step == b.step)) {
        let (title, until) = describe_step(step.first().and_then(|stage| stage.step));
        lines.extend([String::new(), format!("{number}. {title}")]);
        for (part, stage) in (1..).zip(step) {
            if step.len() > 1 {
                lines.push(format!("   {number}.{part}"));
            }
            lines.extend(stage_lines(stage).into_iter().map(|line| format!("   {line}")));
        }
        lines.extend(until.map(|until| format!("   Until {until}.")));
    }
    lines
}

/// What a step is about, and what it waits for before the next.
fn describe_step(step: Option<&str>) -> (String, Option<&'static str>) {
    let (about, until) = match step {
        Some("Expand") => (
            "what is new comes up beside what serves",
            Some("all of it is available and its edges work"),
        ),
        Some("Cutover") => (
            "requests take their new way, the innermost callers first",
            Some("every pod works under its new configuration and none answers under an older one"),
        ),
        Some("Finalize") => (
            "the last copies are made, and the old homes are let go",
            Some("every copy is complete"),
        ),
        Some("Contract") => ("what is no longer wanted goes", None),
        _ => ("in place", None),
    };
    (step.map_or_else(|| "In place".to_owned(), |step| format!("{step}: {about}")), until)
}

fn stage_lines(stage: &StagePreview) -> Vec<String> {
    let widest = stage.components.iter().map(|component| component.name.len()).max().unwrap_or(0);
    let components = stage
        .components
        .iter()
        .flat_map(|component| component_lines(component, &stage.edges, widest));
    let entry = stage.entry.iter().map(|entry| format!("  users enter at {entry}"));
    components.chain(entry).collect()
}

fn component_lines(
    component: &ComponentPreview,
    edges: &[EdgePreview],
    widest: usize,
) -> Vec<String> {
    let sign = match component.change {
        Change::Comes => '+',
        Change::Goes => '-',
        Change::Changes | Change::Stays => '~',
    };
    let said = match component.change {
        Change::Comes => component.what.iter().cloned().collect(),
        Change::Goes => vec![format!("goes ({})", component.role)],
        Change::Changes | Change::Stays => {
            let own = edges.iter().filter(|edge| edge.from == component.name);
            own.map(edge_line)
                .chain(component.differences.iter().map(ToString::to_string))
                .collect()
        }
    };
    let first = format!("{sign} {:widest$}  ", component.name);
    let indent = " ".repeat(first.len());
    let starts = [first].into_iter().chain(std::iter::repeat(indent));
    let said = if said.is_empty() { vec!["takes its new configuration".to_owned()] } else { said };
    starts.zip(said).map(|(start, line)| start + &line).collect()
}

fn edge_line(edge: &EdgePreview) -> String {
    match edge.change {
        Change::Comes | Change::Stays => edge_phrase(edge, edge.after.as_ref()),
        Change::Goes => format!("no longer {}", edge_phrase(edge, edge.before.as_ref())),
        Change::Changes => {
            let always = "always".to_owned();
            let before = edge.before.as_ref().unwrap_or(&always);
            let after = edge.after.as_ref().unwrap_or(&always);
            format!("{} {}: {after} instead of {before}", edge.verb, edge.to)
        }
    }
}

fn edge_phrase(edge: &EdgePreview, label: Option<&String>) -> String {
    let EdgePreview { to, verb, .. } = edge;
    match (label, verb.split_once(" from")) {
        (None, _) => format!("{verb} {to}"),
        // What is taken over stands in the middle.
        (Some(label), Some((verb, _))) => format!("{verb} {label} from {to}"),
        (Some(label), None) => format!("{verb} {to} ({label})"),
    }
}

fn items_line(items: &ItemsPreview, rest: &str) -> String {
    let ItemsPreview { collection, fate, from, to } = items;
    let collection = if collection == "*" { rest } else { collection };
    let (from, to) = (from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default());
    match fate {
        ItemsFate::Stay => format!("{collection}: stay in {to}"),
        ItemsFate::Copied => {
            format!("{collection}: copied from {from} to {to} while both are asked")
        }
        ItemsFate::LeftBehind => format!("{collection}: {to} begins without what {from} has"),
        ItemsFate::New => format!("{collection}: kept in {to} from now on"),
        ItemsFate::WithoutOwner => {
            format!("{collection}: nobody owns them any more; they stay on the volume of {from}")
        }
        ItemsFate::Deleted => {
            format!(
                "{collection}: nobody owns them any more; they are deleted with the volume of {from}"
            )
        }
    }
}

/// A line for each volume; those of peers to which the same happens are one.
fn volume_lines(volumes: &[VolumePreview]) -> Vec<String> {
    let alike = |a: &VolumePreview, b: &VolumePreview| {
        a.component.is_some()
            && (&a.component, a.fate, &a.size, &a.wanted)
                == (&b.component, b.fate, &b.size, &b.wanted)
    };
    let line = |group: &[VolumePreview]| match group {
        [] => None,
        [one] => Some(volume_line(&one.name, one)),
        [first, .., last] => Some(volume_line(&format!("{} to {}", first.name, last.name), first)),
    };
    volumes.chunk_by(alike).filter_map(line).collect()
}

fn volume_line(name: &str, volume: &VolumePreview) -> String {
    let VolumePreview { fate, size, wanted, .. } = volume;
    let wanted = wanted.as_ref().unwrap_or(size);
    let what = match fate {
        VolumeFate::Stays => format!("stays, {size}"),
        VolumeFate::Grows => format!("grows from {size} to {wanted}, if its StorageClass lets it"),
        VolumeFate::StaysAsItIs => {
            format!("stays as it is, {size}: no volume shrinks or moves to another StorageClass")
        }
        VolumeFate::New => format!("new, {size}"),
        VolumeFate::UsedAgain => format!("used again, with what is on it, {size}"),
        VolumeFate::Kept => format!("kept without a user, {size} (retention.whenDropped: Retain)"),
        VolumeFate::Deleted => {
            format!("deleted with what is on it, {size} (retention.whenDropped: Delete)")
        }
    };
    format!("{name}: {what}")
}

fn summary_line(preview: &Preview) -> String {
    let components = || preview.stages.iter().flat_map(|stage| &stage.components);
    let of = |change: Change| -> BTreeSet<_> {
        components()
            .filter(|component| component.change == change)
            .map(|component| &component.name)
            .collect()
    };
    let (come, go) = (of(Change::Comes), of(Change::Goes));
    let change = of(Change::Changes);
    let change = change.iter().filter(|name| !come.contains(*name) && !go.contains(*name)).count();
    format!("Components: {} to come, {change} to change, {} to go.", come.len(), go.len())
}
