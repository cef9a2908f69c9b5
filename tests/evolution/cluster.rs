//! A cluster in which everything that is applied runs at once and works.

use crate::edges;
use k8s_openapi::{
    api::{
        apps::v1::{DeploymentStatus, StatefulSetStatus},
        core::v1::{Pod, PodCondition, PodStatus, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};
use maquette::{
    api::ArchitectureSpec,
    observe::{PodReport, RunningTopology, Snapshot, running_topology},
    plan::{Identity, Topology, plan},
    render::{ObjectsByKind, RenderSettings, render},
};
use maquette_contract::{
    ComponentConfig, ComponentName, EdgeObservation, LoadObservation, Observations,
    PeerObservation, Probe, RoleConfig, Traffic, keys::CONFIG_FILE,
};
use std::sync::Arc;

pub(crate) fn identity() -> Identity {
    Identity {
        name: "shop".parse().unwrap(),
        namespace: "default".to_owned(),
        uid: "the-uid".to_owned(),
    }
}

/// The time at which everything happens.
pub(crate) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000)
}

pub(crate) fn plan_spec(spec: &ArchitectureSpec) -> Topology {
    plan(&spec.validate("shop").unwrap(), identity()).unwrap()
}

/// A spec in YAML.
pub(crate) fn spec(text: &str) -> ArchitectureSpec {
    serde_norway::from_str(text).unwrap()
}

/// What is known of a cluster in which `topology` runs and works.
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
    for config_map in &config_maps {
        let text = &config_map.data.as_ref().unwrap()[CONFIG_FILE];
        add_reports(&mut snapshot, text);
    }
    snapshot.config_maps = config_maps.into_iter().map(Arc::new).collect();
    snapshot
}

/// The same, as it is read back.
pub(crate) fn observe_running(snapshot: &Snapshot) -> RunningTopology {
    running_topology(&identity(), snapshot)
}

fn add_pods(
    snapshot: &mut Snapshot,
    of: &ObjectMeta,
    replicas: Option<i32>,
    template: &PodTemplateSpec,
) {
    for ordinal in 0..replicas.unwrap() {
        let name = format!("{}-{ordinal}", of.name.as_deref().unwrap());
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

fn add_reports(snapshot: &mut Snapshot, text: &str) {
    let config = ComponentConfig::from_json(text).unwrap();
    let prefix = format!("shop-{}-", config.component);
    let names: Vec<_> = snapshot.pods.iter().filter_map(|pod| pod.metadata.name.clone()).collect();
    // A store of a service begins with the service's name, and has a longer one.
    let own = |name: &&String| {
        name.strip_prefix(&prefix).is_some_and(|ordinal| ordinal.parse::<u32>().is_ok())
    };
    for name in names.iter().filter(own) {
        let report =
            PodReport { latest: Some((now(), pod_report(&config, text, name))), failure: None };
        snapshot.reports.insert(format!("uid-of-{name}"), report);
    }
}

fn pod_report(config: &ComponentConfig, text: &str, pod: &str) -> Observations {
    let edge = |to: ComponentName| EdgeObservation {
        to,
        probe: Probe::Works,
        traffic: Traffic { requests: 5, ..Traffic::default() },
    };
    let peer = match &config.role {
        RoleConfig::Peer(peer) => Some(PeerObservation {
            members: peer.members.iter().map(|member| member.name.clone()).collect(),
            under_replicated: 0,
        }),
        _ => None,
    };
    Observations {
        component: config.component.clone(),
        pod: pod.to_owned(),
        revision: ComponentConfig::revision_of(text),
        older_requests: 0,
        edges: edges::targets(config).into_iter().map(edge).collect(),
        served: Traffic { requests: 5, ..Traffic::default() },
        migration_sources: edges::copied(config),
        items: None,
        peer,
        load: matches!(config.role, RoleConfig::Load(_)).then(LoadObservation::default),
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
