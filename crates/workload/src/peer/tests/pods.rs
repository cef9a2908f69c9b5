//! Pods: complete roles with their ports and configuration files, in this process.

use super::test_cluster::{free_port, timing, wait_until};
use crate::{
    peer,
    runtime::{
        CallRequest, CallResponse, ConfigDocument, EdgeTarget, Options, Process, RunError,
        Shutdown, Upstream, headers::RequestContext,
    },
    service, store,
};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{
    Address, Answer, ComponentConfig, ComponentName, Content, Observations, Outcome, PeerConfig,
    PeerMember, Record, RequestWork, Role, RoleConfig, Version,
};
use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::PathBuf,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep},
};

/// The deadline of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn component(name: &str) -> ComponentName {
    name.parse().unwrap()
}

/// A pod that may run or not.
pub(super) struct Pod {
    component: ComponentName,
    options: Options,
    _folder: TempDir,
    volume: TempDir,
    runtime: Option<Runtime>,
}

impl Pod {
    pub(super) fn new(component_name: &str, ordinal: usize) -> Self {
        let (folder, volume) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let options = Options {
            config: folder.path().join("component.json"),
            data: Some(volume.path().to_owned()),
            pod: format!("shop-{component_name}-{ordinal}"),
            listen_ip: Ipv4Addr::LOCALHOST.into(),
            traffic_port: free_port(),
            internal_port: free_port(),
            store_port: free_port(),
            peers_port: free_port(),
            admin_port: free_port(),
        };
        Self {
            component: component(component_name),
            options,
            _folder: folder,
            volume,
            runtime: None,
        }
    }

    pub(super) fn traffic(&self) -> Address {
        Address::new("127.0.0.1", self.options.traffic_port)
    }

    pub(super) fn internal(&self) -> Address {
        Address::new("127.0.0.1", self.options.internal_port)
    }

    pub(super) fn store(&self) -> Address {
        Address::new("127.0.0.1", self.options.store_port)
    }

    pub(super) fn as_member(&self) -> PeerMember {
        let address = Address::new("127.0.0.1", self.options.peers_port);
        PeerMember { name: self.options.pod.clone(), address }
    }

    pub(super) fn is_running(&self) -> bool {
        self.runtime.is_some()
    }

    /// Replaces the configuration file atomically, as the kubelet does.
    pub(super) fn configure(&self, role: RoleConfig) {
        let config = ComponentConfig {
            architecture: "shop".parse().unwrap(),
            architecture_uid: Some("the-uid".parse().unwrap()),
            component: self.component.clone(),
            role,
        };
        let new: PathBuf = self.options.config.with_extension("new");
        std::fs::write(&new, config.to_json().unwrap()).unwrap();
        std::fs::rename(new, &self.options.config).unwrap();
    }

    /// Starts it with its current configuration.
    pub(super) fn start(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = self.options.clone();
        runtime.spawn(async move {
            // The process before it may not have closed its ports yet. An attempt that fails keeps
            // those that it has opened.
            while !are_ports_free(&options) {
                sleep(Duration::from_millis(20)).await;
            }
            if let Err(error) = run(&options).await {
                panic!("{}: {error}", options.pod);
            }
        });
        self.runtime = Some(runtime);
    }

    /// Stops it at once.
    pub(super) fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    /// Gives it an empty volume for its next start.
    pub(super) fn replace_volume(&mut self) {
        self.volume = TempDir::new().unwrap();
        self.options.data = Some(self.volume.path().to_owned());
    }

    /// The answer of its readiness probe.
    pub(super) async fn readiness(&self) -> (StatusCode, String) {
        let address = Address::new("127.0.0.1", self.options.admin_port);
        let upstream = Upstream::new(user_target(&self.component, address));
        match try_request(&upstream, Method::GET, "/readyz", "").await {
            Ok(reply) => (reply.status, String::from_utf8_lossy(&reply.body).into_owned()),
            Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error),
        }
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: &str) -> CallResponse {
        let upstream = Upstream::new(user_target(&self.component, self.traffic()));
        request(&upstream, method, path, body).await
    }

    /// Sends a request to the internal items API.
    pub(super) async fn send_internal(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> CallResponse {
        let upstream = Upstream::new(user_target(&self.component, self.internal()));
        request(&upstream, method, path, body).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        parse_answer(&self.send(Method::GET, path, "").await)
    }

    /// Writes an item, as a user does.
    pub(super) async fn put(&self, item: &str, value: u64) -> Record {
        let reply = self.send(Method::PUT, &format!("/items/{item}"), &value.to_string()).await;
        record_of(&parse_answer(&reply)).unwrap_or_else(|| panic!("{item}: {reply:?}"))
    }

    /// Reads an item, as a user does.
    pub(super) async fn read(&self, item: &str) -> Option<Record> {
        record_of(&self.get(&format!("/items/{item}")).await)
    }

    pub(super) async fn observe(&self) -> Option<Observations> {
        let address = Address::new("127.0.0.1", self.options.admin_port);
        let upstream = Upstream::new(user_target(&self.component, address));
        let reply = try_request(&upstream, Method::GET, "/observations", "").await.ok()?;
        serde_json::from_slice(&reply.body).ok()
    }

    pub(super) async fn wait_until_ready(&self) {
        wait_until("the pod is ready", || async {
            let (status, reason) = self.readiness().await;
            if status == StatusCode::OK { Ok(()) } else { Err((status, reason)) }
        })
        .await;
    }

    /// Waits until it sends a report under its current configuration for which `holds` is true.
    pub(super) async fn wait_for_report(&self, what: &str, holds: impl Fn(&Observations) -> bool) {
        let text = std::fs::read_to_string(&self.options.config).unwrap();
        let revision = ComponentConfig::revision_of(&text);
        wait_until(what, || async {
            let report = self.observe().await;
            let matches = report.as_ref().is_some_and(|it| it.revision == revision && holds(it));
            if matches { Ok(()) } else { Err(report) }
        })
        .await;
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        if self.is_running() {
            self.kill();
        }
    }
}

fn are_ports_free(options: &Options) -> bool {
    let Options { admin_port, traffic_port, internal_port, store_port, peers_port, .. } = options;
    [admin_port, traffic_port, internal_port, store_port, peers_port].into_iter().all(|port| {
        let address = (Ipv4Addr::LOCALHOST, *port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    })
}

async fn run(options: &Options) -> Result<(), RunError> {
    let document = ConfigDocument::read(&options.config)?;
    let role = document.config.role();
    let shutdown = Shutdown::new(Duration::ZERO);
    let process = Process { options: options.clone(), document, shutdown };
    match role {
        Role::Peer => peer::role::run_with(process, timing()).await,
        Role::Service => service::run(process).await,
        Role::Store => store::run(process).await,
        Role::Load => unreachable!("no test starts the load role"),
    }
}

pub(super) async fn request(
    upstream: &Upstream,
    method: Method,
    path: &str,
    body: &str,
) -> CallResponse {
    try_request(upstream, method, path, body).await.unwrap()
}

/// Sends a request; an error says that the pod does not answer.
async fn try_request(
    upstream: &Upstream,
    method: Method,
    path: &str,
    body: &str,
) -> Result<CallResponse, String> {
    let body = Bytes::from(body.to_owned());
    let context = RequestContext::new_root(Instant::now() + REQUEST_TIMEOUT);
    let outgoing = CallRequest { method, path: path.to_owned(), context, body };
    upstream.send_with_retries(&outgoing).await.map_err(|error| format!("{error:?}"))
}

pub(super) fn parse_answer(reply: &CallResponse) -> Answer {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

/// The item of an answer; `None` if the answer is that there is no such item.
pub(super) fn record_of(answer: &Answer) -> Option<Record> {
    match &answer.outcome {
        Outcome::Item { version, value, .. } => {
            Some(Record::new(version.clone(), Content::Value(value.clone())))
        }
        Outcome::WasDeleted { .. } => None,
        Outcome::Error(error) if error.contains("there is no item") => None,
        other => panic!("neither an item nor none: {other:?}"),
    }
}

/// The record as an answer to a user shows it.
pub(super) fn without_requests(record: Record) -> Record {
    Record::new(record.version, record.content)
}

pub(super) fn version(millis: u64) -> Version {
    Version { millis, counter: 0, writer: "elsewhere".into() }
}

/// The configuration of peers with all pods as members.
pub(super) fn peer_config(pods: &[Pod]) -> PeerConfig {
    PeerConfig {
        work: RequestWork::default(),
        replication_factor: 3,
        members: pods.iter().map(Pod::as_member).collect(),
        members_changed: false,
        migration_sources: vec![],
        successor: None,
    }
}

/// Starts peers and waits until all are ready.
pub(super) async fn start_peers(count: usize, change: impl Fn(&mut PeerConfig)) -> Vec<Pod> {
    let mut pods: Vec<Pod> = (0..count).map(|ordinal| Pod::new("peers", ordinal)).collect();
    let mut config = peer_config(&pods);
    change(&mut config);
    for pod in &mut pods {
        pod.configure(RoleConfig::Peer(config.clone()));
        pod.start();
    }
    for pod in &pods {
        pod.wait_until_ready().await;
    }
    pods
}

/// The target of a user, who names no recipient.
pub(super) fn user_target(component: &ComponentName, address: Address) -> EdgeTarget {
    EdgeTarget { component: component.clone(), address, recipient: None }
}
