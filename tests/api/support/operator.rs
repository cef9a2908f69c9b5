//! An operator as a process.

use super::{
    TestNamespace,
    control_plane::{ControlPlane, control_plane},
};
use maquette_contract::metrics::CONTENT_TYPE;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
};

/// A running operator. It is killed when it is dropped.
pub(crate) struct Operator {
    process: Child,
    log: PathBuf,
    _directory: TempDir,
}

impl Operator {
    /// An operator for one namespace, without leader election.
    pub(crate) fn start(namespace: &str) -> Self {
        Self::start_with(&["--namespaces", namespace, "--leader-elect", "false"])
    }

    /// An operator with permissions in one namespace only, as the chart's `watchNamespaces` grants
    /// them.
    pub(crate) async fn of_namespace(namespace: &TestNamespace) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let kubeconfig = directory.path().join("kubeconfig");
        namespace.grant_operator(&kubeconfig).await;
        let args = ["--namespaces", &namespace.name, "--leader-elect", "false"];
        Self::start_in(directory, &kubeconfig, &args, &[])
    }

    /// An operator with these arguments.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::start_on(control_plane(), args, &[])
    }

    /// An operator of another control plane, with these arguments and variables.
    pub(crate) fn start_on(plane: &ControlPlane, args: &[&str], env: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(directory, &plane.operator_kubeconfig, args, env)
    }

    /// An operator with the credentials of this kubeconfig.
    pub(crate) fn start_as(kubeconfig: &Path, args: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(directory, kubeconfig, args, &[])
    }

    fn start_in(
        directory: TempDir,
        kubeconfig: &Path,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let log = directory.path().join("log");
        let process = Command::new(env!("CARGO_BIN_EXE_maquette"))
            .env("KUBECONFIG", kubeconfig)
            .envs(env.iter().copied())
            .args(["--log", "info,maquette=debug", "operator"])
            .args(["--http-address", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        Self { process, log, _directory: directory }
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// The text of its `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let (head, text) = self.http_get("/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains(CONTENT_TYPE), "{head}");
        text
    }

    /// Whether it answers 200 at `path`, such as `/readyz`; else the answer.
    pub(crate) async fn probe(&self, path: &str) -> Result<(), String> {
        let (head, text) = self.http_get(path).await;
        if head.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("{path}: {text}")) }
    }

    /// The head and the body of an answer.
    async fn http_get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address().await).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, text) = answer.split_once("\r\n\r\n").expect("a body");
        (head.to_owned(), text.to_owned())
    }

    /// Where it serves HTTP, once it does.
    async fn address(&self) -> String {
        super::eventually("the log has the address", super::soon(), async || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains("serving probes and metrics"));
            let address = line.and_then(|line| line.split_once("address=")?.1.split(' ').next());
            address.map(str::to_owned).ok_or(log)
        })
        .await
    }

    /// Kills it without a shutdown, as a failing machine does, and waits for its end.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.expect("killed");
    }

    /// Sends SIGTERM, as the kubelet does; returns whether it exited with success.
    pub(crate) async fn stop(&mut self) -> bool {
        let id = self.process.id().expect("it runs").to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(killed.expect("kill runs").success(), "no process {id}");
        let ended = tokio::time::timeout(super::seconds(5), self.process.wait()).await;
        ended.expect("it ends in time").expect("it ends").success()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(40)..];
            println!("the end of the operator's log:\n{}", tail.join("\n"));
        }
    }
}
