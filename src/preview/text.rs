//! A preview as text: one line for each thing that happens.

use super::{
    ComponentPreview, EdgePreview, ItemsFate, ItemsPreview, Preview, RestartPreview, StagePreview,
    VolumeFate, VolumePreview,
};
use crate::{evolve::Step, graph::Change};
use std::collections::BTreeSet;

/// `preview` as text; empty if the change does nothing.
pub fn render_text(preview: &Preview) -> String {
    let mut lines = vec![];
    if !preview.is_empty() {
        lines.extend(blocker_lines(preview));
        lines.extend(step_lines(&preview.stages));
        lines.extend(settings_lines(preview));
        lines.extend(restart_lines(preview));
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
        "This change cannot be made; the running model is unchanged",
        preview.cannot.iter().cloned(),
    )
}

fn settings_lines(preview: &Preview) -> Vec<String> {
    titled_lines("Settings", preview.settings.iter().map(ToString::to_string))
}

fn restart_lines(preview: &Preview) -> Vec<String> {
    let all: u32 = preview.restarts.iter().map(|restart| restart.pods).sum();
    let lines = preview.restarts.iter().map(|restart| {
        let RestartPreview { component, pods } = restart;
        format!("{component}: {pods} {}", if *pods == 1 { "pod" } else { "pods" })
    });
    titled_lines(&format!("Pods that restart, one component after the other ({all} in all)"), lines)
}

/// Lines under a title; none if there are no lines.
fn titled_lines(title: &str, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let indented: Vec<_> = lines.into_iter().map(|line| format!("  {line}")).collect();
    if indented.is_empty() {
        return vec![];
    }
    [String::new(), format!("{title}:")].into_iter().chain(indented).collect()
}

/// The stages, grouped by step.
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

/// The title of a step, and what it waits for before the next.
fn describe_step(step: Option<Step>) -> (String, Option<&'static str>) {
    let Some(step) = step else { return ("In place".to_owned(), None) };
    let (about, until) = match step {
        Step::Expand => (
            "new components start beside the running ones",
            Some("all of them are available and their edges work"),
        ),
        Step::Cutover => (
            "requests move to the new routes, callees before callers",
            Some("every pod works under its new configuration and none answers under an older one"),
        ),
        Step::Finalize => (
            "the final copies are made, and migration sources are dropped",
            Some("every copy is complete"),
        ),
        Step::Contract => ("components that are no longer wanted are removed", None),
    };
    (format!("{}: {about}", step.as_str()), until)
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
    let mut details = match component.change {
        Change::Comes => component.what.iter().cloned().collect(),
        Change::Goes => vec![format!("removed ({})", component.role)],
        Change::Changes | Change::Stays => {
            let own = edges.iter().filter(|edge| edge.from == component.name);
            own.map(edge_line)
                .chain(component.differences.iter().map(ToString::to_string))
                .collect()
        }
    };
    if details.is_empty() {
        details.push("gets its new configuration".to_owned());
    }
    let first = format!("{sign} {:widest$}  ", component.name);
    let indent = " ".repeat(first.len());
    let starts = [first].into_iter().chain(std::iter::repeat(indent));
    starts.zip(details).map(|(start, line)| start + &line).collect()
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
        // The collections are between the verb and its preposition.
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
            format!("{collection}: copied from {from} to {to} while both are in use")
        }
        ItemsFate::LeftBehind => format!("{collection}: {to} starts without the items of {from}"),
        ItemsFate::New => format!("{collection}: stored in {to} from now on"),
        ItemsFate::WithoutOwner => {
            format!("{collection}: no owner any more; they remain on the volume of {from}")
        }
        ItemsFate::Deleted => {
            format!("{collection}: no owner any more; they are deleted with the volume of {from}")
        }
    }
}

/// A line for each volume. Those of peers to which the same happens share one.
fn volume_lines(volumes: &[VolumePreview]) -> Vec<String> {
    let groups = volumes.chunk_by(share_line);
    let lines = groups.filter_map(|group| match group {
        [] => None,
        [one] => Some(volume_line(&one.name, one)),
        [first, .., last] => Some(volume_line(&format!("{} to {}", first.name, last.name), first)),
    });
    lines.collect()
}

fn share_line(a: &VolumePreview, b: &VolumePreview) -> bool {
    a.component.is_some()
        && (&a.component, a.fate, &a.size, &a.wanted) == (&b.component, b.fate, &b.size, &b.wanted)
}

fn volume_line(name: &str, volume: &VolumePreview) -> String {
    let VolumePreview { fate, size, wanted, .. } = volume;
    let wanted_size = wanted.as_ref().unwrap_or(size);
    let what = match fate {
        VolumeFate::Stays => format!("stays, {size}"),
        VolumeFate::Grows => {
            format!("grows from {size} to {wanted_size}, if its StorageClass allows it")
        }
        VolumeFate::StaysAsItIs => {
            format!("unchanged, {size}: a volume cannot shrink or move to another StorageClass")
        }
        VolumeFate::New => format!("new, {size}"),
        VolumeFate::Recreated => format!("has no volume yet: created again, {wanted_size}"),
        VolumeFate::UsedAgain => format!("reused with its data, {size}"),
        VolumeFate::Kept => format!("kept, but not in use, {size} (retention.whenDropped: Retain)"),
        VolumeFate::Deleted => {
            format!("deleted with its data, {size} (retention.whenDropped: Delete)")
        }
    };
    format!("{name}: {what}")
}

fn summary_line(preview: &Preview) -> String {
    let added = names_with(preview, Change::Comes);
    let removed = names_with(preview, Change::Goes);
    let mut changed = names_with(preview, Change::Changes);
    changed.retain(|name| !added.contains(name) && !removed.contains(name));
    format!(
        "Components: {} to add, {} to change, {} to remove.",
        added.len(),
        changed.len(),
        removed.len()
    )
}

/// The names of the components with this change in any stage.
fn names_with(preview: &Preview, change: Change) -> BTreeSet<&str> {
    let components = preview.stages.iter().flat_map(|stage| &stage.components);
    let matching = components.filter(|component| component.change == change);
    matching.map(|component| component.name.as_str()).collect()
}
