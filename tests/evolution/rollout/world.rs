//! A cluster in which pods start or do not, by their image: controllers, kubelet and operator take
//! one small step after the other.

use crate::cluster::{healthy_snapshot, now, observe_running};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentStatus, StatefulSet, StatefulSetStatus},
        core::v1::{
            ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
            PodCondition, PodStatus, PodTemplateSpec,
        },
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use maquette::{
    observe::{PodReport, Snapshot},
    plan::Topology,
    render::{ObjectsByKind, RenderSettings, render},
    rollout::{RolloutInput, RolloutPlan, plan_rollout},
};
use maquette_contract::{
    Observations, Role,
    keys::{ANNOTATION_TEMPLATE_HASH, LABEL_COMPONENT, LABEL_ROLE},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A pod of a workload.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedPod {
    pub(crate) name: String,
    template: PodTemplateSpec,
    hash: String,
    pub(crate) ready: bool,
}

impl SimulatedPod {
    pub(crate) fn image(&self) -> &str {
        image_of(&self.template)
    }
}

fn image_of(template: &PodTemplateSpec) -> &str {
    template.spec.as_ref().unwrap().containers[0].image.as_deref().unwrap()
}

fn hash_of(metadata: &ObjectMeta) -> &str {
    &metadata.annotations.as_ref().unwrap()[ANNOTATION_TEMPLATE_HASH]
}

/// The cluster.
pub(crate) struct World {
    pub(crate) wanted: Topology,
    /// Images whose pods become ready.
    pub(crate) good: BTreeSet<String>,
    /// Whether StatefulSets wait for every unavailable pod, also one of an older template.
    pub(crate) sets_wait: bool,
    live: ObjectsByKind,
    /// By the name of the workload.
    pub(crate) pods: BTreeMap<String, Vec<SimulatedPod>>,
    canaries: Vec<Pod>,
    names: u32,
}

impl World {
    /// A cluster in which all pods of `topology` are ready.
    pub(crate) fn healthy(topology: &Topology) -> Self {
        let live = render(topology, &RenderSettings::default()).into_objects();
        let mut world = Self {
            wanted: topology.clone(),
            good: [topology.pods().image.clone().unwrap()].into(),
            sets_wait: false,
            live,
            pods: BTreeMap::new(),
            canaries: vec![],
            names: 0,
        };
        while world.run_controllers() {}
        world
    }

    /// Makes the workload `name` have the template of `topology`, and pods of these templates, the
    /// highest ordinal last.
    pub(crate) fn set_state(&mut self, name: &str, of: &Topology, pods: &[&Topology]) {
        let objects = render(of, &RenderSettings::default()).into_objects();
        for live in self.live.deployments.iter_mut().filter(|one| is_named(&one.metadata, name)) {
            *live =
                objects.deployments.iter().find(|d| is_named(&d.metadata, name)).unwrap().clone();
        }
        for live in self.live.stateful_sets.iter_mut().filter(|one| is_named(&one.metadata, name)) {
            *live =
                objects.stateful_sets.iter().find(|s| is_named(&s.metadata, name)).unwrap().clone();
        }
        let mut created = vec![];
        for (ordinal, topology) in pods.iter().enumerate() {
            let objects = render(topology, &RenderSettings::default()).into_objects();
            let (metadata, template, _) = find_template(&objects, name);
            let pod = format!("{name}-{ordinal}");
            created.push(self.new_pod(pod, template, hash_of(&metadata)));
        }
        self.pods.insert(name.to_owned(), created);
    }

    fn new_pod(&self, name: String, template: PodTemplateSpec, hash: &str) -> SimulatedPod {
        let ready = self.good.contains(image_of(&template));
        SimulatedPod { name, template, hash: hash.to_owned(), ready }
    }

    /// The number of ready pods of each workload.
    pub(crate) fn ready(&self) -> BTreeMap<String, usize> {
        let count = |pods: &Vec<SimulatedPod>| pods.iter().filter(|pod| pod.ready).count();
        self.pods.iter().map(|(name, pods)| (name.clone(), count(pods))).collect()
    }

    /// Every image that runs.
    pub(crate) fn images(&self) -> BTreeSet<String> {
        self.pods.values().flatten().map(|pod| pod.image().to_owned()).collect()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = healthy_snapshot(&self.wanted);
        let reports = std::mem::take(&mut snapshot.reports);
        snapshot.pods = self.canaries.iter().cloned().map(Arc::new).collect();
        snapshot.deployments = self.live.deployments.iter().map(|d| self.deployment(d)).collect();
        snapshot.stateful_sets = self.live.stateful_sets.iter().map(|s| self.set(s)).collect();
        for (workload, pods) in &self.pods {
            let report = reports[&format!("uid-of-{workload}-0")].latest.clone().unwrap().1;
            for pod in pods {
                snapshot.pods.push(Arc::new(live_pod(workload, pod)));
                let latest =
                    Some((now(), Observations { pod: pod.name.clone(), ..report.clone() }));
                let report = PodReport { latest, ..PodReport::default() };
                snapshot.reports.insert(format!("uid-of-{}", pod.name), report);
            }
        }
        snapshot
    }

    fn counts(&self, metadata: &ObjectMeta) -> (i32, i32, i32) {
        let pods = &self.pods[metadata.name.as_ref().unwrap()];
        let hash = hash_of(metadata);
        let count = |n: usize| i32::try_from(n).unwrap();
        (
            count(pods.len()),
            count(pods.iter().filter(|pod| pod.hash == hash).count()),
            count(pods.iter().filter(|pod| pod.ready).count()),
        )
    }

    fn deployment(&self, live: &Deployment) -> Arc<Deployment> {
        let (replicas, updated, available) = self.counts(&live.metadata);
        let status = DeploymentStatus {
            replicas: Some(replicas),
            updated_replicas: Some(updated),
            available_replicas: Some(available),
            ..DeploymentStatus::default()
        };
        Arc::new(Deployment { status: Some(status), ..live.clone() })
    }

    fn set(&self, live: &StatefulSet) -> Arc<StatefulSet> {
        let (replicas, updated, available) = self.counts(&live.metadata);
        let status = StatefulSetStatus {
            replicas,
            updated_replicas: Some(updated),
            available_replicas: Some(available),
            update_revision: Some(hash_of(&live.metadata).to_owned()),
            ..StatefulSetStatus::default()
        };
        let uid = Some(format!("uid-of-{}", live.metadata.name.as_ref().unwrap()));
        let metadata = ObjectMeta { uid, ..live.metadata.clone() };
        Arc::new(StatefulSet { metadata, status: Some(status), ..live.clone() })
    }

    /// One reconcile of the operator, in which `may_roll` says whether it has a slot.
    pub(crate) fn reconcile(&mut self, may_roll: bool) -> RolloutPlan {
        let snapshot = self.snapshot();
        let running = observe_running(&snapshot);
        let mut objects = render(&self.wanted, &RenderSettings::default()).into_objects();
        let input = RolloutInput {
            topology: &self.wanted,
            running: &running,
            snapshot: &snapshot,
            is_evolving: false,
            now: now(),
        };
        let mut plan = plan_rollout(&objects, &input);
        if !may_roll {
            plan.wait_for_slot(5, &input);
        }
        let withheld = plan.hold_templates(&mut objects, &snapshot);
        assert!(withheld.is_empty(), "{withheld:?}");
        self.live = objects;
        for obsolete in &plan.obsolete_pods {
            let name = obsolete.metadata.name.as_ref();
            self.canaries.retain(|pod| pod.metadata.name.as_ref() != name);
            for pods in self.pods.values_mut() {
                pods.retain(|pod| Some(&pod.name) != name);
            }
        }
        for canary in &plan.canaries {
            if !self.canaries.iter().any(|pod| pod.metadata.name == canary.metadata.name) {
                self.canaries.push(canary.clone());
            }
        }
        plan
    }

    /// One step of every controller and kubelet. Returns whether anything changed.
    pub(crate) fn run_controllers(&mut self) -> bool {
        let mut has_changed = false;
        for canary in &mut self.canaries {
            let good = self
                .good
                .contains(canary.spec.as_ref().unwrap().containers[0].image.as_ref().unwrap());
            has_changed |= canary.status.is_none();
            canary.status = Some(canary_status(good));
        }
        let workloads = all_templates(&self.live);
        for (metadata, template, replicas) in workloads {
            let name = metadata.name.clone().unwrap();
            let mut pods = self.pods.remove(&name).unwrap_or_default();
            for pod in &mut pods {
                let ready = self.good.contains(pod.image());
                has_changed |= pod.ready != ready;
                pod.ready = ready;
            }
            let role = &metadata.labels.as_ref().unwrap()[LABEL_ROLE];
            let hash = hash_of(&metadata);
            has_changed |= match role.as_str() {
                role if role == Role::Service.as_str() => {
                    self.surge(&name, &template, hash, replicas, &mut pods)
                }
                role if role == Role::Load.as_str() => {
                    self.recreate(&name, &template, hash, &mut pods)
                }
                _ => self.replace_highest(&name, &template, hash, replicas, &mut pods),
            };
            self.pods.insert(name, pods);
        }
        has_changed
    }

    fn starting_pod(
        &mut self,
        name: String,
        template: &PodTemplateSpec,
        hash: &str,
    ) -> SimulatedPod {
        SimulatedPod { ready: false, ..self.new_pod(name, template.clone(), hash) }
    }

    /// A Deployment with `maxSurge: 1` and `maxUnavailable: 0`.
    fn surge(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        replicas: usize,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        let new = pods.iter().filter(|pod| pod.hash == hash).count();
        let unready_old = pods.iter().position(|pod| pod.hash != hash && !pod.ready);
        let ready_old = pods.iter().position(|pod| pod.hash != hash && pod.ready);
        let ready = pods.iter().filter(|pod| pod.ready).count();
        match (unready_old, ready_old) {
            (Some(old), _) => _ = pods.remove(old),
            (None, Some(old)) if ready > replicas => _ = pods.remove(old),
            _ if new < replicas && pods.len() <= replicas => {
                self.names += 1;
                let pod = self.starting_pod(format!("{name}-x{}", self.names), template, hash);
                pods.push(pod);
            }
            _ => return false,
        }
        true
    }

    /// A Deployment that ends all pods before it creates new ones.
    fn recreate(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        let before = pods.len();
        pods.retain(|pod| pod.hash == hash);
        if pods.len() == before && before == 0 {
            self.names += 1;
            let pod = self.starting_pod(format!("{name}-x{}", self.names), template, hash);
            pods.push(pod);
        }
        pods.len() != before
    }

    /// A StatefulSet: the highest ordinal first, and the next when that one is ready.
    fn replace_highest(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        replicas: usize,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        for ordinal in 0..replicas {
            let pod = format!("{name}-{ordinal}");
            if !pods.iter().any(|found| found.name == pod) {
                let new = self.starting_pod(pod, template, hash);
                pods.push(new);
                pods.sort_by(|a, b| a.name.cmp(&b.name));
                return true;
            }
        }
        if self.sets_wait && pods.iter().any(|pod| !pod.ready) {
            return false;
        }
        for ordinal in (0..pods.len()).rev() {
            if pods[ordinal].hash != hash {
                pods.remove(ordinal);
                return true;
            }
            if !pods[ordinal].ready {
                return false;
            }
        }
        false
    }
}

fn is_named(metadata: &ObjectMeta, name: &str) -> bool {
    metadata.name.as_deref() == Some(name)
}

fn all_templates(objects: &ObjectsByKind) -> Vec<(ObjectMeta, PodTemplateSpec, usize)> {
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

fn find_template(objects: &ObjectsByKind, name: &str) -> (ObjectMeta, PodTemplateSpec, usize) {
    let mut all = all_templates(objects).into_iter();
    all.find(|(metadata, ..)| is_named(metadata, name)).unwrap()
}

fn live_pod(workload: &str, pod: &SimulatedPod) -> Pod {
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

fn pod_status(pod: &SimulatedPod) -> PodStatus {
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

fn waiting(image: &str) -> ContainerStatus {
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

fn canary_status(good: bool) -> PodStatus {
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
