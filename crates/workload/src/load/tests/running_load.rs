//! A running load and its observations.

use crate::{
    load,
    runtime::{ConfigDocument, Options, Process, RunError, Shutdown},
};
use maquette_contract::{
    Address, Arrivals, ComponentConfig, LoadConfig, LoadTarget, Observations, Percent, RoleConfig,
};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Longer than any step of these tests takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A load that runs within the test.
pub(super) struct RunningLoad {
    directory: TempDir,
    admin: String,
    pub(super) shutdown: Shutdown,
    task: JoinHandle<Result<(), RunError>>,
}

pub(super) fn config(targets: &[&Address]) -> LoadConfig {
    let target = |address: &&Address| LoadTarget {
        component: "client".parse().unwrap(),
        address: (*address).clone(),
        entry: true,
    };
    LoadConfig {
        targets: targets.iter().map(target).collect(),
        requests_per_second: 200,
        arrivals: Arrivals::Constant,
        ramp: None,
        closed_loop: None,
        write_percent: Percent::try_from(30).unwrap(),
        summary_percent: Percent::try_from(5).unwrap(),
        items: 20,
        collections: vec!["items".parse().unwrap()],
    }
}

impl RunningLoad {
    pub(super) async fn start(config: LoadConfig) -> Self {
        let directory = TempDir::new().unwrap();
        let path = write_config(&directory, config);
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let options = Options {
            config: path.clone(),
            data: None,
            pod: "shop-load-0".to_owned(),
            listen_ip: admin.ip(),
            traffic_port: 0,
            internal_port: 0,
            store_port: 0,
            peers_port: 0,
            admin_port: admin.port(),
        };
        let document = ConfigDocument::read(&path).unwrap();
        let shutdown = Shutdown::new(Duration::ZERO);
        let process = Process { options, document, shutdown: shutdown.clone() };
        let task = tokio::spawn(load::run(process));
        Self { directory, admin: admin.to_string(), shutdown, task }
    }

    /// Changes the configuration and waits until no request runs under the previous one.
    pub(super) async fn configure(&self, config: LoadConfig) -> Observations {
        let path = write_config(&self.directory, config);
        let revision = ConfigDocument::read(&path).unwrap().revision;
        let in_force =
            |report: &Observations| report.revision == revision && report.older_requests == 0;
        self.wait_until("the new configuration", in_force).await
    }

    pub(super) async fn fetch_text(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.admin).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Waits until the observations are as expected, and returns them.
    pub(super) async fn wait_until(
        &self,
        what: &str,
        is_expected: impl Fn(&Observations) -> bool,
    ) -> Observations {
        let mut newest = None;
        let shown = async {
            loop {
                let text = self.fetch_text("/observations").await.unwrap_or_default();
                newest = serde_json::from_str::<Observations>(&text).ok();
                if let Some(report) = newest.as_ref().filter(|report| is_expected(report)) {
                    return report.clone();
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let shown = timeout(TEST_TIMEOUT, shown).await;
        shown.unwrap_or_else(|_| panic!("never shown: {what}; the newest report is {newest:?}"))
    }

    pub(super) async fn stop(self) {
        self.shutdown.begin();
        timeout(TEST_TIMEOUT, self.task).await.unwrap().unwrap().unwrap();
    }
}

fn write_config(directory: &TempDir, config: LoadConfig) -> PathBuf {
    let config = ComponentConfig {
        architecture: "shop".parse().unwrap(),
        architecture_uid: Some("the-uid".parse().unwrap()),
        component: "load".parse().unwrap(),
        role: RoleConfig::Load(config),
    };
    let (path, new) = (directory.path().join("component.json"), directory.path().join("new"));
    std::fs::write(&new, config.to_json().unwrap()).unwrap();
    std::fs::rename(new, &path).unwrap();
    path
}
