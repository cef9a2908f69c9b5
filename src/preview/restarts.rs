//! The pods that a change restarts, and in which order.

use super::CurrentState;
use crate::{
    plan::Topology,
    render::{RenderSettings, render},
    rollout::{find_restarts, templates_by_name},
};
use serde::Serialize;

/// The pods of a component that restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartPreview {
    /// The name of the component.
    pub component: String,
    /// How many of its pods restart.
    pub pods: u32,
}

/// The pods of running components whose template `wanted` changes. None are known without the
/// current settings of pods.
pub(super) fn preview_restarts(
    before: &CurrentState<'_>,
    wanted: &Topology,
) -> Vec<RestartPreview> {
    let Some(settings) = before.settings else { return vec![] };
    let planned = before.running.planned_components();
    let running = Topology {
        components: planned.map(|one| (one.name.clone(), one.clone())).collect(),
        pods: settings.pods.clone(),
        ..wanted.clone()
    };
    // The operator's own image is unknown here, and the same before and after.
    let image = RenderSettings::default();
    let old = templates_by_name(render(&running, &image).objects());
    let new = templates_by_name(render(wanted, &image).objects());
    let restarts = find_restarts(&running, wanted, &old, &new).into_iter();
    restarts
        .map(|restart| RestartPreview {
            component: restart.component.to_string(),
            pods: restart.pods,
        })
        .collect()
}
