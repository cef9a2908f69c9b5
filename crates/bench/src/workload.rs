//! Pods of a model, as processes on 127.0.0.1.

use crate::process::{Process, free_address};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};
use tempfile::TempDir;

/// A running pod; its items are deleted with it.
pub(crate) struct Pod {
    pub(crate) process: Process,
    /// Where it serves its users: HTTP, or RESP for a store.
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
    _directory: TempDir,
}

impl Pod {
    /// Starts a store.
    pub(crate) fn start_store(workload: &Path) -> Result<Self> {
        Self::start(workload, "data", "data-0", json!({ "role": "store" }), None)
    }

    /// Starts a service that keeps all items in `store`.
    pub(crate) fn start_owner(workload: &Path, store: SocketAddr) -> Result<Self> {
        let role = json!({
            "role": "service", "mode": "parallel", "routes": { "rest": "own" },
            "store": { "component": "data", "address": store.to_string() },
        });
        Self::start(workload, "api", "api-0", role, None)
    }

    /// Starts a service that forwards all requests to `owner`.
    pub(crate) fn start_front(workload: &Path, owner: SocketAddr) -> Result<Self> {
        let role = json!({
            "role": "service", "mode": "parallel", "routes": { "rest": { "call": "api" } },
            "calls": [{ "component": "api", "address": owner.to_string(), "probabilityPercent": 100 }],
        });
        Self::start(workload, "web", "web-0", role, None)
    }

    /// Starts peers that store each item `copies` times.
    pub(crate) fn start_peers(workload: &Path, count: usize, copies: usize) -> Result<Vec<Self>> {
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(free_address()?);
        }
        let listed: Vec<Value> = members
            .iter()
            .enumerate()
            .map(|(index, address)| {
                json!({ "name": format!("peers-{index}"), "address": address.to_string() })
            })
            .collect();
        let role = json!({ "role": "peer", "replicationFactor": copies, "members": listed });
        let mut peers = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let name = format!("peers-{index}");
            peers.push(Self::start(workload, "peers", &name, role.clone(), Some(*member))?);
        }
        Ok(peers)
    }

    /// Starts a load of `rate` requests per second on `target`.
    pub(crate) fn start_load(workload: &Path, target: SocketAddr, rate: u32) -> Result<Self> {
        let role = json!({
            "role": "load", "requestsPerSecond": rate, "writePercent": 10, "summaryPercent": 0,
            "items": 200, "collections": ["orders"],
            "targets": [{ "component": "api", "address": target.to_string() }],
        });
        Self::start(workload, "load", "load-0", role, None)
    }

    fn start(
        workload: &Path,
        component: &str,
        pod: &str,
        role: Value,
        peers: Option<SocketAddr>,
    ) -> Result<Self> {
        let directory = TempDir::new()?;
        let config = directory.path().join("component.json");
        let mut document = role;
        if let Some(fields) = document.as_object_mut() {
            fields.insert("architecture".into(), "bench".into());
            fields.insert("component".into(), component.into());
        }
        fs::write(&config, document.to_string())?;
        let (served, admin) = (free_address()?, free_address()?);
        let is_store = document.get("role").is_some_and(|role| role == "store");
        let is_load = document.get("role").is_some_and(|role| role == "load");
        let port_flag = if is_store { "--store-port" } else { "--traffic-port" };
        let mut command = Command::new(workload);
        command
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(directory.path())
            .args(["--pod", pod, "--listen-ip", "127.0.0.1", "--internal-port", "0"])
            .args(["--admin-port", &admin.port().to_string()])
            .args([port_flag, &served.port().to_string()])
            .env("RUST_LOG", "warn");
        if let Some(address) = peers {
            command.args(["--peers-port", &address.port().to_string()]);
        }
        let listens = if is_load { admin } else { served };
        let process = Process::start(&mut command, listens)?;
        Ok(Self { process, address: served, admin, _directory: directory })
    }

    /// What the pod reports of itself.
    pub(crate) fn observe(&self) -> Result<Value> {
        let mut stream = TcpStream::connect(self.admin)?;
        stream
            .write_all(b"GET /observations HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        Ok(serde_json::from_str(body)?)
    }
}
