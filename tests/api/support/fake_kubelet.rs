//! A fake kubelet: pods of a namespace get an address of the loopback network, are ready, and
//! report like the workload, from the configuration that they have loaded. Pods without a component
//! are canaries: they end with success. Images can be ones that cannot be pulled.

use super::{TestNamespace, edges};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use k8s_openapi::{
    api::core::v1::{
        ConfigMap, ContainerState, ContainerStateTerminated, ContainerStateWaiting,
        ContainerStatus, Pod, PodCondition, PodIP, PodStatus,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use maquette_contract::{
    ComponentConfig, ComponentName, DamagedItems, EdgeObservation, LoadObservation,
    MigrationObservation, Observations, PeerObservation, Probe, RoleConfig, Traffic,
    VolumeObservation,
    keys::{ANNOTATION_CONFIG_REVISION, CONFIG_FILE, LABEL_ARCHITECTURE, LABEL_COMPONENT},
    ports::ADMIN,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet};

/// How the pods behave; empty for a healthy model.
#[derive(Debug, Default)]
pub(crate) struct PodBehavior {
    /// Components whose pods are not ready.
    pub(crate) down: BTreeSet<String>,
    /// Edges that fail, as `from` and `to`.
    pub(crate) failing: BTreeSet<(String, String)>,
    /// Pods that are cut off: all their edges fail.
    pub(crate) cut_off: BTreeSet<String>,
    /// Pods whose address another pod has now: it reports instead.
    pub(crate) replaced: BTreeSet<String>,
    /// No request has ended for a while on edges other than the load's.
    pub(crate) is_quiet: bool,
    /// Components whose pods answer no request for a report.
    pub(crate) not_reporting: BTreeSet<String>,
    /// Requests of the load that failed in the reported window.
    pub(crate) failed_requests: u64,
    /// Peers with under-replicated items, by pod.
    pub(crate) copying: BTreeSet<String>,
    /// Components whose pods have not copied all items from their migration sources.
    pub(crate) migrating: BTreeSet<String>,
    /// Peers that no other sees, by pod.
    pub(crate) unseen: BTreeSet<String>,
    /// Images that cannot be pulled.
    pub(crate) unpullable: BTreeSet<String>,
    /// The volumes of pods.
    pub(crate) volumes: BTreeMap<String, VolumeObservation>,
    /// The damaged items that pods know.
    pub(crate) damaged: BTreeMap<String, DamagedItems>,
    /// The reports that pods have made.
    pub(crate) reports: u64,
}

/// Reports for the pods of a namespace until it is dropped.
pub(crate) struct FakeKubelet {
    behavior: Arc<Mutex<PodBehavior>>,
    _tasks: JoinSet<()>,
}

impl FakeKubelet {
    /// A kubelet for all pods of a namespace.
    pub(crate) fn start(namespace: &TestNamespace) -> Self {
        let behavior = Arc::<Mutex<PodBehavior>>::default();
        let writer = StatusWriter {
            pods: namespace.api(),
            config_maps: namespace.api(),
            behavior: Arc::clone(&behavior),
            known: BTreeMap::new(),
            canaries: BTreeMap::new(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(writer.run());
        Self { behavior, _tasks: tasks }
    }

    /// The behavior, to change it.
    pub(crate) fn behavior(&self) -> MutexGuard<'_, PodBehavior> {
        self.behavior.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct StatusWriter {
    pods: Api<Pod>,
    config_maps: Api<ConfigMap>,
    behavior: Arc<Mutex<PodBehavior>>,
    known: BTreeMap<String, FakePod>,
    /// Canaries by UID, and whether their image could be pulled.
    canaries: BTreeMap<String, bool>,
}

struct FakePod {
    annotation: Option<String>,
    ready: Option<bool>,
    report: Arc<Mutex<Reporter>>,
    ip: Ipv4Addr,
    _server: JoinSet<()>,
}

impl StatusWriter {
    async fn run(mut self) {
        loop {
            if let Ok(pods) = self.pods.list(&ListParams::default()).await {
                let alive: BTreeSet<_> = pods.iter().filter_map(ResourceExt::uid).collect();
                self.known.retain(|uid, _| alive.contains(uid));
                for pod in pods {
                    self.update_pod(&pod).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    async fn update_pod(&mut self, pod: &Pod) {
        let uid = pod.uid().expect("a UID");
        let annotation = pod.annotations().get(ANNOTATION_CONFIG_REVISION).cloned();
        let image = pod.spec.as_ref().and_then(|spec| spec.containers[0].image.clone());
        let image = image.expect("an image");
        let is_pulled = !self
            .behavior
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unpullable
            .contains(&image);
        if !pod.labels().contains_key(LABEL_COMPONENT) {
            let status = if is_pulled { ended_status() } else { waiting_status(&image) };
            if self.canaries.get(&uid) != Some(&is_pulled)
                && write_pod_status(&self.pods, pod, status).await
            {
                self.canaries.insert(uid, is_pulled);
            }
            return;
        }
        if !is_pulled {
            if self.canaries.get(&uid) != Some(&false)
                && write_pod_status(&self.pods, pod, waiting_status(&image)).await
            {
                self.canaries.insert(uid, false);
            }
            return;
        }
        if !self.known.contains_key(&uid) {
            let Some(text) = self.configuration(pod).await else { return };
            let known = start(pod, text, Arc::clone(&self.behavior), annotation.clone()).await;
            self.known.insert(uid.clone(), known);
        }
        let text = match self.known.get(&uid) {
            Some(known) if known.annotation != annotation => self.configuration(pod).await,
            _ => None,
        };
        let Some(known) = self.known.get_mut(&uid) else { return };
        if let Some(text) = text {
            known.report.lock().unwrap_or_else(PoisonError::into_inner).text = text;
            known.annotation = annotation;
        }
        let component = pod.labels().get(LABEL_COMPONENT).cloned().unwrap_or_default();
        let ready =
            !self.behavior.lock().unwrap_or_else(PoisonError::into_inner).down.contains(&component);
        if known.ready != Some(ready) && write_status(&self.pods, pod, known.ip, ready).await {
            known.ready = Some(ready);
        }
    }

    async fn configuration(&self, pod: &Pod) -> Option<String> {
        let (of, component) =
            (pod.labels().get(LABEL_ARCHITECTURE)?, pod.labels().get(LABEL_COMPONENT)?);
        let found = self.config_maps.get(&format!("{of}-{component}")).await.ok()?;
        found.data?.get(CONFIG_FILE).cloned()
    }
}

/// A listener on a free address of the loopback network: other tests on the same machine use some
/// too.
async fn listen() -> (Ipv4Addr, TcpListener) {
    for _ in 0..1000 {
        let ip = address();
        if let Ok(listener) = TcpListener::bind((ip, ADMIN.number)).await {
            return (ip, listener);
        }
    }
    panic!("no address of the loopback network is free")
}

/// An address that no other fake pod of this process has.
fn address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    let [.., high, low] = next.to_be_bytes();
    let process = u8::try_from(std::process::id() % 200).unwrap_or(0);
    Ipv4Addr::new(127, 20 + process, high, low)
}

async fn start(
    pod: &Pod,
    text: String,
    behavior: Arc<Mutex<PodBehavior>>,
    annotation: Option<String>,
) -> FakePod {
    let (ip, listener) = listen().await;
    let report = Arc::new(Mutex::new(Reporter { pod: pod.name_any(), text, behavior }));
    let app =
        Router::new().route("/observations", get(observations)).with_state(Arc::clone(&report));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("serves") });
    FakePod { annotation, ready: None, report, ip, _server: server }
}

#[derive(Debug, Serialize)]
struct StatusPatch {
    metadata: ObjectMeta,
    status: PodStatus,
}

/// Whether the status was written; the pod may be deleted already.
async fn write_status(pods: &Api<Pod>, pod: &Pod, ip: Ipv4Addr, ready: bool) -> bool {
    let condition = |type_: &str| PodCondition {
        type_: type_.to_owned(),
        status: if ready { "True" } else { "False" }.to_owned(),
        ..PodCondition::default()
    };
    let status = PodStatus {
        container_statuses: Some(vec![]),
        phase: Some("Running".to_owned()),
        pod_ip: Some(ip.to_string()),
        pod_ips: Some(vec![PodIP { ip: ip.to_string() }]),
        conditions: Some(vec![condition("Ready"), condition("ContainersReady")]),
        ..PodStatus::default()
    };
    write_pod_status(pods, pod, status).await
}

/// The status of a pod whose container ended with success.
fn ended_status() -> PodStatus {
    let state = ContainerState {
        terminated: Some(ContainerStateTerminated::default()),
        ..ContainerState::default()
    };
    status_of_container("", Some("Succeeded".to_owned()), state)
}

/// The status of a pod whose image cannot be pulled.
fn waiting_status(image: &str) -> PodStatus {
    let waiting = ContainerStateWaiting {
        reason: Some("ErrImagePull".to_owned()),
        message: Some("not found".to_owned()),
    };
    let state = ContainerState { waiting: Some(waiting), ..ContainerState::default() };
    status_of_container(image, Some("Pending".to_owned()), state)
}

fn status_of_container(image: &str, phase: Option<String>, state: ContainerState) -> PodStatus {
    let container = ContainerStatus {
        name: "workload".to_owned(),
        image: image.to_owned(),
        state: Some(state),
        ..ContainerStatus::default()
    };
    PodStatus { phase, container_statuses: Some(vec![container]), ..PodStatus::default() }
}

async fn write_pod_status(pods: &Api<Pod>, pod: &Pod, status: PodStatus) -> bool {
    let metadata = ObjectMeta { uid: pod.uid(), ..ObjectMeta::default() };
    let patch = Patch::Strategic(StatusPatch { metadata, status });
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.is_ok()
}

/// The report of one pod.
struct Reporter {
    pod: String,
    text: String,
    behavior: Arc<Mutex<PodBehavior>>,
}

async fn observations(
    State(reporter): State<Arc<Mutex<Reporter>>>,
) -> Result<Json<Observations>, StatusCode> {
    let reporter = reporter.lock().unwrap_or_else(PoisonError::into_inner);
    reporter.report().map(Json).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

impl Reporter {
    fn report(&self) -> Option<Observations> {
        let mut behavior = self.behavior.lock().unwrap_or_else(PoisonError::into_inner);
        behavior.reports += 1;
        let config = ComponentConfig::from_json(&self.text).expect("a configuration");
        if behavior.not_reporting.contains(config.component.as_str()) {
            return None;
        }
        let edges = edges::targets(&config).into_iter().map(|to| self.edge(&config, to, &behavior));
        let members = |members: &[maquette_contract::PeerMember]| PeerObservation {
            members: members
                .iter()
                .map(|member| member.name.clone())
                .filter(|name| *name == self.pod || !behavior.unseen.contains(name))
                .collect(),
            under_replicated: behavior.copying.contains(&self.pod).into(),
        };
        let copied = !behavior.migrating.contains(config.component.as_str());
        let source = |source| MigrationObservation { complete: copied, ..source };
        Some(Observations {
            component: config.component.clone(),
            pod: match behavior.replaced.contains(&self.pod) {
                true => "blog-web-0".to_owned(),
                false => self.pod.clone(),
            },
            revision: ComponentConfig::revision_of(&self.text),
            older_requests: 0,
            edges: edges.collect(),
            served: Traffic::default(),
            migration_sources: edges::copied(&config).into_iter().map(source).collect(),
            items: None,
            damaged_items: behavior.damaged.get(&self.pod).cloned().unwrap_or_default(),
            volume: behavior.volumes.get(&self.pod).copied(),
            peer: match &config.role {
                RoleConfig::Peer(peer) => Some(members(&peer.members)),
                _ => None,
            },
            load: matches!(config.role, RoleConfig::Load(_)).then(LoadObservation::default),
        })
    }

    fn edge(
        &self,
        config: &ComponentConfig,
        to: ComponentName,
        behavior: &PodBehavior,
    ) -> EdgeObservation {
        let edge = (config.component.to_string(), to.to_string());
        let is_failing = behavior.failing.contains(&edge) || behavior.cut_off.contains(&self.pod);
        let probe = match is_failing {
            true => Probe::Fails { message: "connection refused".to_owned() },
            false => Probe::Works,
        };
        let is_load = matches!(config.role, RoleConfig::Load(_));
        let failures = if is_load { behavior.failed_requests } else { 0 };
        let is_quiet = behavior.is_quiet && !is_load;
        let (requests, idle_seconds) = if is_quiet { (0, Some(60)) } else { (10, Some(0)) };
        let traffic = Traffic { requests, failures, idle_seconds, ..Traffic::default() };
        EdgeObservation { to, probe, traffic }
    }
}
