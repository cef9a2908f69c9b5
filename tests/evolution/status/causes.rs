//! Causes: what refuses pods or keeps them from starting, in one line, and whether it ends by
//! itself.

use super::{ARCHITECTURE, assert_condition, make_not_ready, pod_mut, status_after, status_of};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentCondition},
        core::v1::PodCondition,
    },
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::SignedDuration,
};
use maquette::{
    api::{EvolutionStep, Shape},
    observe::{ActiveEvolution, Snapshot, Warning},
};
use std::sync::Arc;

use crate::cluster::now;

fn refuse_pods(deployment: &mut Arc<Deployment>) {
    let deployment = Arc::make_mut(deployment);
    let name = deployment.metadata.name.clone().unwrap();
    let failure = DeploymentCondition {
        type_: "ReplicaFailure".to_owned(),
        status: "True".to_owned(),
        message: Some(format!("pods \"{name}-5d8-x\" is forbidden: exceeded quota: small")),
        ..DeploymentCondition::default()
    };
    let status = deployment.status.as_mut().unwrap();
    status.available_replicas = None;
    status.conditions = Some(vec![failure]);
}

#[test]
fn components_with_the_same_cause_share_a_line() {
    let status = status_after(|snapshot| {
        snapshot.deployments.iter_mut().for_each(refuse_pods);
        let set = Arc::make_mut(&mut snapshot.stateful_sets[0]);
        set.metadata.uid = Some("the-set".to_owned());
        set.status.as_mut().unwrap().replicas = 0;
        let warning = Warning {
            reason: "FailedCreate".to_owned(),
            message: "create Pod shop-data-0 in StatefulSet shop-data failed error: pods \
                      \"shop-data-0\" is forbidden: exceeded quota: small"
                .to_owned(),
        };
        snapshot.causes.warnings.insert("the-set".to_owned(), Some(warning));
    });
    let part = "business, client, data, load: pods are refused: exceeded quota: small. Lower its \
                resources, or raise the namespace's ResourceQuota";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
    assert_eq!(status.components.iter().filter(|one| one.message.is_some()).count(), 4);
}

#[test]
fn a_paused_deployment_is_named() {
    let status = status_after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.spec.as_mut().unwrap().paused = Some(true);
        deployment.status.as_mut().unwrap().updated_replicas = Some(1);
    });
    let part = "business: Deployment shop-business is paused: run kubectl rollout resume \
                deployment/shop-business";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
}

/// The store's pod is unschedulable for this number of seconds.
fn make_unschedulable(snapshot: &mut Snapshot, seconds: i64) {
    make_not_ready(snapshot, "shop-data-0");
    let condition = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        message: Some("0/1 nodes are available. preemption: 0/1 nodes are available".to_owned()),
        last_transition_time: Some(Time(now() - SignedDuration::from_secs(seconds))),
        ..PodCondition::default()
    };
    let status = pod_mut(snapshot, "shop-data-0").status.as_mut().unwrap();
    status.conditions.get_or_insert_default().push(condition);
}

#[test]
fn an_unschedulable_pod_is_stuck_after_a_grace_of_three_minutes() {
    for (seconds, expected) in [(179, ("True", "Evolving")), (180, ("False", "PodsNotReady"))] {
        let status = status_of(
            ARCHITECTURE,
            |snapshot| make_unschedulable(snapshot, seconds),
            |inputs| {
                let (to, step) = (Shape::NTier, EvolutionStep::Expand);
                inputs.target.evolution = Some(ActiveEvolution { to, step });
                inputs.target.waits.push("waiting for data".to_owned());
            },
        );
        assert_condition(&status, "Progressing", expected, "");
        let part = "data: pod shop-data-0: unschedulable: 0/1 nodes are available.";
        assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
    }
}
