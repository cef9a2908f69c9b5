//! The objects of a cluster in which everything that is applied works. Its pods report what those
//! of [`healthy_cluster`] do.

use k8s_openapi::{
    api::{
        apps::v1::{DeploymentStatus, StatefulSetStatus},
        core::v1::{ConfigMap, Pod, PodCondition, PodStatus, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};
use maquette::{
    api::ArchitectureSpec,
    evolve::healthy_cluster,
    observe::{PodReport, RunningTopology, Snapshot, running_topology},
    plan::{Identity, Topology, plan},
    render::{ObjectsByKind, RenderSettings, render},
};
use maquette_contract::{ComponentConfig, Observations, keys::CONFIG_FILE};
use std::sync::Arc;

pub(crate) fn identity() -> Identity {
    Identity {
        name: "shop".parse().unwrap(),
        namespace: "default".to_owned(),
        uid: "the-uid".to_owned(),
    }
}

/// The time of every report.
pub(crate) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000)
}

pub(crate) fn plan_spec(spec: &ArchitectureSpec) -> Topology {
    plan(&spec.validate("shop").unwrap(), identity()).unwrap()
}

/// Parses a specification in YAML.
pub(crate) fn parse_spec(text: &str) -> ArchitectureSpec {
    serde_norway::from_str(text).unwrap()
}

/// The objects and reports of a cluster in which `topology` runs and works.
pub(crate) fn healthy_snapshot(topology: &Topology) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let ObjectsByKind {
        service_accounts: _,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets: _,
    } = render(topology, &RenderSettings::default()).into_objects();
    snapshot.services = services.into_iter().map(Arc::new).collect();
    for mut deployment in deployments {
        let spec = deployment.spec.clone().unwrap();
        let replicas = spec.replicas;
        deployment.metadata.generation = Some(1);
        deployment.status = Some(DeploymentStatus {
            observed_generation: Some(1),
            replicas,
            updated_replicas: replicas,
            available_replicas: replicas,
            ..DeploymentStatus::default()
        });
        add_pods(&mut snapshot, &deployment.metadata, replicas, &spec.template);
        snapshot.deployments.push(Arc::new(deployment));
    }
    for mut set in stateful_sets {
        let spec = set.spec.clone().unwrap();
        let replicas = spec.replicas.unwrap();
        set.metadata.generation = Some(1);
        set.status = Some(StatefulSetStatus {
            observed_generation: Some(1),
            replicas,
            updated_replicas: Some(replicas),
            available_replicas: Some(replicas),
            ..StatefulSetStatus::default()
        });
        add_pods(&mut snapshot, &set.metadata, spec.replicas, &spec.template);
        snapshot.stateful_sets.push(Arc::new(set));
    }
    add_reports(&mut snapshot, topology, &config_maps);
    snapshot.config_maps = config_maps.into_iter().map(Arc::new).collect();
    snapshot
}

/// The topology that `observe` reads from `snapshot`.
pub(crate) fn observe_running(snapshot: &Snapshot) -> RunningTopology {
    running_topology(&identity(), snapshot)
}

fn add_pods(
    snapshot: &mut Snapshot,
    workload: &ObjectMeta,
    replicas: Option<i32>,
    template: &PodTemplateSpec,
) {
    for ordinal in 0..replicas.unwrap() {
        let name = format!("{}-{ordinal}", workload.name.as_deref().unwrap());
        let ready = PodCondition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            ..PodCondition::default()
        };
        let metadata = ObjectMeta {
            uid: Some(format!("uid-of-{name}")),
            name: Some(name),
            labels: template.metadata.as_ref().unwrap().labels.clone(),
            ..ObjectMeta::default()
        };
        let status = PodStatus { conditions: Some(vec![ready]), ..PodStatus::default() };
        let spec = template.spec.clone();
        snapshot.pods.push(Arc::new(Pod { metadata, spec, status: Some(status) }));
    }
}

/// The reports of [`healthy_cluster`], each under the revision of the rendered configuration.
fn add_reports(snapshot: &mut Snapshot, topology: &Topology, config_maps: &[ConfigMap]) {
    let healthy = healthy_cluster(topology);
    for config_map in config_maps {
        let text = &config_map.data.as_ref().unwrap()[CONFIG_FILE];
        let config = ComponentConfig::from_json(text).unwrap();
        for pod in &healthy.component(&config.component).unwrap().pods {
            let (_, observations) = pod.report.latest.clone().unwrap();
            let revision = ComponentConfig::revision_of(text);
            let latest = Some((now(), Observations { revision, ..observations }));
            let report = PodReport { latest, ..PodReport::default() };
            snapshot.reports.insert(format!("uid-of-{}", pod.name), report);
        }
    }
}

/// Changes the report of a pod.
pub(crate) fn change_report(
    snapshot: &mut Snapshot,
    pod: &str,
    change: impl FnOnce(&mut Timestamp, &mut Observations),
) {
    let report = snapshot.reports.get_mut(&format!("uid-of-{pod}")).unwrap();
    let (received, observations) = report.latest.as_mut().unwrap();
    change(received, observations);
}
