//! A cluster in which pods start or do not, by their image: controllers, kubelet and operator take
//! one small step after the other.

use super::objects::{
    all_templates, canary_status, find_template, hash_of, image_of, is_named, live_pod,
};
use crate::cluster::{healthy_snapshot, now, observe_running};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentStatus, StatefulSet, StatefulSetStatus},
        core::v1::{Pod, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette::{
    observe::{PodReport, Snapshot},
    plan::Topology,
    render::{ObjectsByKind, RenderSettings, render},
    rollout::{RolloutInput, RolloutPlan, plan_rollout},
};
use maquette_contract::{Observations, Role, keys::LABEL_ROLE};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A pod of a workload.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedPod {
    pub(crate) name: String,
    pub(super) template: PodTemplateSpec,
    pub(super) hash: String,
    pub(crate) ready: bool,
}

impl SimulatedPod {
    pub(crate) fn image(&self) -> &str {
        image_of(&self.template)
    }
}

/// The cluster.
pub(crate) struct World {
    pub(crate) wanted: Topology,
    /// Images whose pods become ready.
    pub(crate) good: BTreeSet<String>,
    /// Whether StatefulSets wait for every unavailable pod, also one of an older template.
    pub(crate) sets_wait: bool,
    /// What a test changes in each snapshot.
    pub(crate) disturb: fn(&mut Snapshot),
    live: ObjectsByKind,
    /// By the name of the workload.
    pub(crate) pods: BTreeMap<String, Vec<SimulatedPod>>,
    canaries: Vec<Pod>,
    pub(super) names: u32,
}

impl World {
    /// A cluster in which all pods of `topology` are ready.
    pub(crate) fn healthy(topology: &Topology) -> Self {
        let live = render(topology, &RenderSettings::default()).into_objects();
        let mut world = Self {
            wanted: topology.clone(),
            good: [topology.pods().image.clone().unwrap()].into(),
            sets_wait: false,
            disturb: |_| {},
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

    pub(super) fn new_pod(
        &self,
        name: String,
        template: PodTemplateSpec,
        hash: &str,
    ) -> SimulatedPod {
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
        (self.disturb)(&mut snapshot);
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
            plan.wait_for_slot(5, 5, &input);
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
}
