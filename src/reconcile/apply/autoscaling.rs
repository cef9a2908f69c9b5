//! HorizontalPodAutoscalers of our workloads. The replicas of a service are left to its autoscaler;
//! those of a store or of peers are not: their number is part of where items are.
//!
//! Autoscalers are read only where the replicas differ from the specification.

use super::super::{context::ReconcileContext, watch::AutoscalerAnswer};
use crate::{
    observe::{Issue, IssueKind, RunningTopology},
    plan::Topology,
};
use maquette_contract::Role;
use std::time::Duration;

/// The interval in which a deleted autoscaler is noticed.
const RECHECK_AFTER: Duration = Duration::from_secs(60);
/// The wait after a list that failed.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What autoscalers do to the model.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct Autoscaling {
    /// Services whose replicas an autoscaler sets, each with its name.
    followed: Vec<String>,
    /// Services that may have an autoscaler: their replicas stay as they are.
    uncertain: Vec<String>,
    /// Autoscalers that scale what must not be scaled.
    pub(in crate::reconcile) issues: Vec<Issue>,
    pub(in crate::reconcile) next_look: Option<Duration>,
}

impl Autoscaling {
    /// For the condition `Accepted`.
    pub(in crate::reconcile) fn note(&self) -> Option<String> {
        let parts = [
            ("replicas set by an autoscaler", &self.followed),
            ("replicas kept until HorizontalPodAutoscalers can be read", &self.uncertain),
        ];
        let parts = parts.iter().filter(|(_, services)| !services.is_empty());
        let note: String =
            parts.map(|(what, services)| format!("; {what}: {}", services.join(", "))).collect();
        (!note.is_empty()).then_some(note)
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
        let scaler = match readings.autoscaler_of(&source, kind, &object).await {
            AutoscalerAnswer::Found(scaler) => scaler,
            AutoscalerAnswer::Absent => continue,
            AutoscalerAnswer::Unknown => {
                found.next_look = Some(RETRY_AFTER);
                // An autoscaler does not scale from 0.
                if is_scalable && workload.desired > 0 {
                    component.replicas = workload.desired;
                    found.uncertain.push(component.name.to_string());
                }
                continue;
            }
        };
        found.next_look.get_or_insert(RECHECK_AFTER);
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
    found
}
