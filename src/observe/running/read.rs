//! Reads the running topology back from the objects of a snapshot: the opposite of `render`.

use super::{
    claim::add_claims,
    entry,
    lookup::component_of,
    member_history,
    parse::parse_component,
    pod,
    topology::{RunningComponent, RunningPod, RunningTopology, TerminatingPod},
    workload::{read_deployment, read_stateful_set},
};
use crate::{
    observe::{PodReport, Snapshot, text::one_line},
    plan::Identity,
};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use maquette_contract::{
    ComponentConfig, ComponentName, ConfigFormatError, Role,
    keys::{ANNOTATION_CONFIG_REVISION, ANNOTATION_USED_BY, CONFIG_FILE},
};
use std::collections::{BTreeMap, BTreeSet};

/// Longest reason why settings cannot be read that is kept, in characters.
const MAX_PROBLEM_CHARS: usize = 300;

type Components = BTreeMap<ComponentName, RunningComponent>;

/// The model of `identity` as `snapshot` shows it.
pub fn running_topology(identity: &Identity, snapshot: &Snapshot) -> RunningTopology {
    let mut components = Components::new();
    let mut unreadable_settings = vec![];
    for config_map in &snapshot.config_maps {
        match read_settings(config_map) {
            Some(Ok(settings)) => read_component(identity, snapshot, settings, &mut components),
            Some(Err(problem)) => unreadable_settings.push(problem),
            None => {}
        }
    }
    add_pods(snapshot, &mut components);
    add_claims(snapshot, &mut components);
    RunningTopology {
        entry: entry::read_entry(&snapshot.services, &snapshot.pods, identity.name.as_str()),
        unreadable: unreadable_components(identity, snapshot, &components),
        unreadable_settings,
        volumes: components_with_volume(identity, snapshot),
        members_changed: member_history::changed_members(identity, snapshot, &components),
        components,
    }
}

/// The settings of a component, as they are written and parsed.
struct StoredSettings<'a> {
    text: &'a str,
    config: ComponentConfig,
}

/// The settings in a ConfigMap; none if it has none, or a text that no version writes: another client
/// damaged it, and it is restored like any field that drifts. An error names the ConfigMap and the
/// reason: settings of another version are not absent.
fn read_settings(config_map: &ConfigMap) -> Option<Result<StoredSettings<'_>, String>> {
    let text = config_map.data.as_ref()?.get(CONFIG_FILE)?;
    Some(match ComponentConfig::from_json(text) {
        Ok(config) => Ok(StoredSettings { text, config }),
        Err(ConfigFormatError::Damaged(_)) => return None,
        Err(error) => {
            let name = config_map.metadata.name.as_deref().unwrap_or_default();
            Err(one_line(&format!("ConfigMap {name}: {CONFIG_FILE}: {error}"), MAX_PROBLEM_CHARS))
        }
    })
}

/// Why this version cannot read the settings in a ConfigMap, and its name; none if it can, or if they
/// are missing or damaged.
pub fn unreadable_settings(config_map: &ConfigMap) -> Option<String> {
    read_settings(config_map)?.err()
}

/// Whether a ConfigMap has lost its settings: another client removed or damaged them.
pub fn has_lost_settings(config_map: &ConfigMap) -> bool {
    read_settings(config_map).is_none()
}

/// Adds a component, with its Deployment or StatefulSet.
fn read_component(
    identity: &Identity,
    snapshot: &Snapshot,
    settings: StoredSettings<'_>,
    components: &mut Components,
) {
    let StoredSettings { text, config } = settings;
    let name = config.component.clone();
    let object = identity.name.object_name(&name);
    let (workload, spec) = match config.role() {
        Role::Service | Role::Load => read_deployment(snapshot, &object),
        Role::Store | Role::Peer => read_stateful_set(snapshot, &object, &name),
    };
    let component = components.entry(name).or_default();
    component.revision = Some(ComponentConfig::revision_of(text));
    component.members = member_history::listed_members(&config);
    component.planned = spec.and_then(|spec| parse_component(&config, &spec));
    component.workload = workload;
}

/// Adds the pods to their components, in the order of their names.
fn add_pods(snapshot: &Snapshot, components: &mut Components) {
    for pod in snapshot.pods.iter().filter(|pod| !pod::has_ended(pod)) {
        let Some(name) = component_of(&pod.metadata) else { continue };
        let component = components.entry(name).or_default();
        match pod.metadata.deletion_timestamp {
            None => component.pods.push(running_pod(pod, snapshot)),
            Some(_) => component.terminating.push(terminating_pod(pod, snapshot)),
        }
    }
    for component in components.values_mut() {
        component.pods.sort_by(|a, b| a.name.cmp(&b.name));
        component.terminating.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

fn running_pod(pod: &Pod, snapshot: &Snapshot) -> RunningPod {
    let metadata = &pod.metadata;
    let uid = metadata.uid.clone().unwrap_or_default();
    let annotations = metadata.annotations.as_ref();
    RunningPod {
        name: metadata.name.clone().unwrap_or_default(),
        ip: pod.status.as_ref().and_then(|status| status.pod_ip.clone()),
        ready: pod::is_ready(pod),
        requested_revision: annotations.and_then(|a| a.get(ANNOTATION_CONFIG_REVISION)).cloned(),
        issue: pod::readiness_issue(pod, &snapshot.causes),
        report: snapshot.reports.get(&uid).cloned().unwrap_or_else(|| PodReport {
            is_awaited: snapshot.is_first_poll,
            ..PodReport::default()
        }),
        uid,
    }
}

fn terminating_pod(pod: &Pod, snapshot: &Snapshot) -> TerminatingPod {
    let metadata = &pod.metadata;
    let report = snapshot.reports.get(metadata.uid.as_deref().unwrap_or_default());
    let latest = report.and_then(|report| report.latest.as_ref());
    TerminatingPod {
        name: metadata.name.clone().unwrap_or_default(),
        machine: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        deadline: metadata.deletion_timestamp.as_ref().map(|time| time.0).unwrap_or_default(),
        targets: latest
            .map(|(_, report)| report.edges.iter().map(|edge| edge.to.clone()).collect()),
    }
}

fn unreadable_components(
    identity: &Identity,
    snapshot: &Snapshot,
    components: &Components,
) -> BTreeSet<ComponentName> {
    let prefix = format!("{}-", identity.name);
    let deployments = snapshot.deployments.iter().map(|found| &found.metadata);
    let stateful_sets = snapshot.stateful_sets.iter().map(|found| &found.metadata);
    deployments
        .chain(stateful_sets)
        .filter(|metadata| metadata.deletion_timestamp.is_none())
        .filter_map(|metadata| metadata.name.as_ref()?.strip_prefix(&prefix)?.parse().ok())
        .filter(|name| components.get(name).is_some_and(has_lost_config))
        .collect()
}

/// Whether a pod that has run has no ConfigMap any more. Pods that never had one are not ready and
/// have not reported.
fn has_lost_config(component: &RunningComponent) -> bool {
    let mut pods = component.pods.iter();
    component.revision.is_none() && pods.any(|pod| pod.ready || pod.report.latest.is_some())
}

fn components_with_volume(identity: &Identity, snapshot: &Snapshot) -> BTreeSet<ComponentName> {
    let metadata = snapshot.claims.iter().map(|claim| &claim.metadata);
    let used = metadata.filter(|metadata| {
        let user = metadata.annotations.as_ref().and_then(|a| a.get(ANNOTATION_USED_BY));
        user == Some(&identity.uid)
    });
    used.filter_map(component_of).collect()
}
