//! Whole services on 127.0.0.1, with real stores and fake components.

mod client;
mod fakes;
mod http;
mod item;
mod lifecycle;
mod limits;
mod migration;
#[path = "../../../../../tests/shared/promtool.rs"]
mod promtool;
mod restart;
mod routing;
mod strangers;
mod summary;
mod tries;

use self::{
    client::{ClientResponse, send_request},
    fakes::{fake_component, fake_item, fake_summary, fake_tree, serve_fake},
};
use super::{ServiceSettings, serve_requests};
use crate::{
    runtime::{ConfigDocument, Options, Process, Runtime, Shutdown},
    storage::Storage,
    store,
};
use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use maquette_contract::{
    Address, Answer, Call, CallMode, CollectionSummary, ComponentConfig, ComponentName, Hop,
    Outcome, Percent, RequestWork, ResponseTree, Role, RoleConfig, Routes, ServiceConfig,
    StoreTarget, Summary, Version,
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

/// Longer than any condition here takes to become true.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn component(name: &str) -> ComponentName {
    name.parse().unwrap()
}

async fn listen() -> (TcpListener, Address) {
    // Connections to loopback addresses come from ports of 127.0.0.1. None takes the port of a
    // server of another address while that server restarts.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = Address(listener.local_addr().unwrap().to_string());
    (listener, address)
}

/// An address without a listener.
async fn free_address() -> Address {
    listen().await.1
}

/// Waits until the condition is true.
async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let polling = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(TEST_TIMEOUT, polling)
        .await
        .unwrap_or_else(|_| panic!("still false after {TEST_TIMEOUT:?}: {what}"));
}

/// A configuration without routes; tests fill in what they need.
fn idle_config() -> ServiceConfig {
    ServiceConfig {
        work: RequestWork::default(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: None,
        routes: Routes::default(),
        migration_sources: vec![],
    }
}

fn call(name: &str, address: &Address) -> Call {
    let (component, address) = (component(name), address.clone());
    Call { component, address, probability_percent: Percent::ALWAYS }
}

/// Routes every collection to one component.
fn thin_client_config(name: &str, address: &Address) -> ServiceConfig {
    let routes = Routes { rest: Some(Hop::Call(component(name))), ..Routes::default() };
    ServiceConfig { calls: vec![call(name, address)], routes, ..idle_config() }
}

/// Routes every collection to the own store.
fn owner_config(store: &Address) -> ServiceConfig {
    let target = StoreTarget { component: component("data"), address: store.clone() };
    let routes = Routes { rest: Some(Hop::Own), ..Routes::default() };
    ServiceConfig { store: Some(target), routes, ..idle_config() }
}

/// A running service.
struct Service {
    runtime: Arc<Runtime<ServiceSettings>>,
    address: Address,
    config: PathBuf,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Service {
    async fn start(name: &str, config: ServiceConfig) -> Self {
        Self::start_at(listen().await, name, config).await
    }

    async fn start_at(at: (TcpListener, Address), name: &str, config: ServiceConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("component.json");
        std::fs::write(&path, document(name, config)).unwrap();
        let options = Options {
            config: path.clone(),
            data: None,
            pod: format!("shop-{name}-1"),
            listen_ip: [127, 0, 0, 1].into(),
            traffic_port: 0,
            internal_port: 0,
            store_port: 0,
            peers_port: 0,
            admin_port: 0,
        };
        let shutdown = Shutdown::new(Duration::from_secs(2));
        let document = ConfigDocument::read(&path).unwrap();
        let runtime = Runtime::start(Process { options, document, shutdown }).await.unwrap();
        let (listener, address) = at;
        let serving = tokio::spawn(serve_requests(Arc::clone(&runtime), listener));
        Self { runtime, address, config: path, serving, _folder: folder }
    }

    /// Replaces the configuration as the kubelet does: a new file under the old name.
    fn configure(&self, text: &str) {
        let new = self.config.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.config).unwrap();
    }

    async fn get(&self, path: &str) -> ClientResponse {
        send_request(&self.address, Method::GET, path, &[], "").await
    }

    async fn put(&self, path: &str, body: &str) -> ClientResponse {
        send_request(&self.address, Method::PUT, path, &[], body).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> ClientResponse {
        send_request(&self.address, Method::GET, path, headers, "").await
    }

    async fn admin(&self, path: &str) -> ClientResponse {
        let admin = Address(self.runtime.admin_address.to_string());
        send_request(&admin, Method::GET, path, &[], "").await
    }
}

fn document(name: &str, config: ServiceConfig) -> String {
    let config = ComponentConfig {
        architecture: "shop".parse().unwrap(),
        architecture_uid: Some("the-uid".parse().unwrap()),
        component: component(name),
        role: RoleConfig::Service(config),
    };
    config.to_json().unwrap()
}

/// A running store.
struct Store {
    address: Address,
    folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Store {
    async fn start() -> Self {
        let (listener, address) = listen().await;
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let storage = open(&folder).await;
        Self::serve(listener, address, folder, storage)
    }

    /// Starts a store at `address` with the items in `folder`.
    async fn start_at(address: &Address, folder: Arc<TempDir>) -> Self {
        let socket: SocketAddr = address.0.parse().unwrap();
        let storage = open(&folder).await;
        let listener = TcpListener::bind(socket).await.unwrap();
        Self::serve(listener, address.clone(), folder, storage)
    }

    fn serve(
        listener: TcpListener,
        address: Address,
        folder: Arc<TempDir>,
        storage: Storage,
    ) -> Self {
        let server =
            store::StoreServer::new(listener, storage, store::StoreMetrics::default()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Self { address, folder, stop: Some(stop), serving }
    }

    /// Writes these keys and values, which need not be items.
    async fn fill(&self, pairs: &[(String, &str)]) {
        let mut connection = connect(&self.address).await;
        let mut sets = redis::pipe();
        for (key, value) in pairs {
            sets.cmd("SET").arg(key).arg(value);
        }
        sets.exec_async(&mut connection).await.unwrap();
    }

    /// Stops the store and keeps its folder.
    async fn stop(mut self) -> (Address, Arc<TempDir>) {
        drop(self.stop.take());
        self.serving.await.unwrap();
        (self.address, self.folder)
    }
}

/// A connection to a store, as of a user's tool.
async fn connect(store: &Address) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{store}/")).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(TEST_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&config).await.unwrap()
}

/// Opens the storage in a folder, off the asynchronous threads: it blocks.
async fn open(folder: &TempDir) -> Storage {
    let path = folder.path().to_owned();
    tokio::task::spawn_blocking(move || Storage::open(&path).unwrap()).await.unwrap()
}
