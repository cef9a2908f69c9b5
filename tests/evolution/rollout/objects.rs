//! The objects of the simulated cluster: pods and their status, and the templates of workloads.

use super::world::SimulatedPod;
use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
        PodCondition, PodStatus, PodTemplateSpec,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use maquette::render::ObjectsByKind;
use maquette_contract::keys::{ANNOTATION_TEMPLATE_HASH, LABEL_COMPONENT};

pub(super) fn image_of(template: &PodTemplateSpec) -> &str {
    template.spec.as_ref().unwrap().containers[0].image.as_deref().unwrap()
}

pub(super) fn hash_of(metadata: &ObjectMeta) -> &str {
    &metadata.annotations.as_ref().unwrap()[ANNOTATION_TEMPLATE_HASH]
}

pub(super) fn is_named(metadata: &ObjectMeta, name: &str) -> bool {
    metadata.name.as_deref() == Some(name)
}

pub(super) fn all_templates(objects: &ObjectsByKind) -> Vec<(ObjectMeta, PodTemplateSpec, usize)> {
    let replicas = |replicas: Option<i32>| usize::try_from(replicas.unwrap()).unwrap();
    let deployments = objects.deployments.iter().map(|one| {
        let spec = one.spec.as_ref().unwrap();
        (one.metadata.clone(), spec.template.clone(), replicas(spec.replicas))
    });
    let sets = objects.stateful_sets.iter().map(|one| {
        let spec = one.spec.as_ref().unwrap();
        (one.metadata.clone(), spec.template.clone(), replicas(spec.replicas))
    });
    deployments.chain(sets).collect()
}

pub(super) fn find_template(
    objects: &ObjectsByKind,
    name: &str,
) -> (ObjectMeta, PodTemplateSpec, usize) {
    let mut all = all_templates(objects).into_iter();
    all.find(|(metadata, ..)| is_named(metadata, name)).unwrap()
}

pub(super) fn live_pod(workload: &str, pod: &SimulatedPod) -> Pod {
    let mut labels = pod.template.metadata.as_ref().unwrap().labels.clone().unwrap();
    assert!(labels.contains_key(LABEL_COMPONENT));
    labels.insert("controller-revision-hash".to_owned(), pod.hash.clone());
    let owner = OwnerReference {
        uid: format!("uid-of-{workload}"),
        controller: Some(true),
        ..OwnerReference::default()
    };
    Pod {
        metadata: ObjectMeta {
            name: Some(pod.name.clone()),
            uid: Some(format!("uid-of-{}", pod.name)),
            labels: Some(labels),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: pod.template.spec.clone(),
        status: Some(pod_status(pod)),
    }
}

pub(super) fn pod_status(pod: &SimulatedPod) -> PodStatus {
    let ready = PodCondition {
        type_: "Ready".to_owned(),
        status: if pod.ready { "True" } else { "False" }.to_owned(),
        ..PodCondition::default()
    };
    PodStatus {
        conditions: Some(vec![ready]),
        container_statuses: (!pod.ready).then(|| vec![waiting(pod.image())]),
        ..PodStatus::default()
    }
}

pub(super) fn waiting(image: &str) -> ContainerStatus {
    let state = ContainerStateWaiting {
        reason: Some("ErrImagePull".to_owned()),
        message: Some("not found".to_owned()),
    };
    ContainerStatus {
        name: "workload".to_owned(),
        image: image.to_owned(),
        state: Some(ContainerState { waiting: Some(state), ..ContainerState::default() }),
        ..ContainerStatus::default()
    }
}

pub(super) fn canary_status(good: bool) -> PodStatus {
    let ended = ContainerState {
        terminated: Some(ContainerStateTerminated::default()),
        ..ContainerState::default()
    };
    let status = match good {
        true => ContainerStatus {
            name: "workload".to_owned(),
            state: Some(ended),
            ..ContainerStatus::default()
        },
        false => waiting("wrong"),
    };
    PodStatus { container_statuses: Some(vec![status]), ..PodStatus::default() }
}
