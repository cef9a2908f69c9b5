//! HorizontalPodAutoscalers of our workloads. The replicas of a service are left to its autoscaler;
//! those of a store or of peers are not: their number is part of where items are.
//!
//! Autoscalers are read only where the replicas differ from the specification.

use super::super::context::ReconcileContext;
use crate::{
    observe::{Issue, IssueKind, RunningTopology},
    plan::Topology,
};
use maquette_contract::Role;
use std::time::Duration;

/// The interval in which a deleted autoscaler is noticed.
const RECHECK_AFTER: Duration = Duration::from_secs(60);

/// What autoscalers do to the model.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct Autoscaling {
    /// Services whose replicas an autoscaler sets, each with its name.
    followed: Vec<String>,
    /// Autoscalers that scale what must not be scaled.
    pub(in crate::reconcile) issues: Vec<Issue>,
    pub(in crate::reconcile) next_look: Option<Duration>,
}

impl Autoscaling {
    /// For the condition `Accepted`.
    pub(in crate::reconcile) fn note(&self) -> Option<String> {
        (!self.followed.is_empty())
            .then(|| format!("; replicas set by an autoscaler: {}", self.followed.join(", ")))
    }
}

/// Gives the services of `topology` that an autoscaler scales the replicas that run.
pub(in crate::reconcile) async fn follow_autoscalers(
    cx: &ReconcileContext<'_>,
    topology: &mut Topology,
    running: &RunningTopology,
) -> Autoscaling {
    let source = cx.cause_source();
    let mut readings = cx.take_readings();
    let mut found = Autoscaling::default();
    for component in topology.components.values_mut() {
        let workload = running.component(&component.name).and_then(|one| one.workload.as_ref());
        let Some(workload) = workload else { continue };
        let object = cx.identity.name.object_name(&component.name);
        let is_scalable = matches!(component.role(), Role::Service);
        let kind = match component.role() {
            Role::Service | Role::Load => "Deployment",
            Role::Store | Role::Peer => "StatefulSet",
        };
        let differs = workload.desired != component.replicas;
        if !differs && !readings.had_autoscaler(kind, &object) {
            continue;
        }
        let Some(scaler) = readings.autoscaler_of(&source, kind, &object).await else { continue };
        found.next_look = Some(RECHECK_AFTER);
        if !is_scalable {
            found.issues.push(Issue {
                kind: IssueKind::Conflict,
                message: format!(
                    "HorizontalPodAutoscaler {} scales {kind} {object}, whose replicas the \
                     Architecture sets to {}: delete the autoscaler; only services can be scaled \
                     by one",
                    scaler.name, component.replicas
                ),
            });
        } else if workload.desired > 0 {
            component.replicas = workload.desired;
            let follows = format!("{} (HorizontalPodAutoscaler {})", component.name, scaler.name);
            found.followed.push(follows);
        }
    }
    cx.with_state(|state| state.cause_readings = readings);
    found
}
