//! A client outside the cluster, which writes and reads all the time and checks every answer.

use super::{Acknowledged, Model};
use maquette_contract::{ItemValue, Outcome, Version};
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle, time::interval};

/// The time between two requests.
const REQUEST_INTERVAL: Duration = Duration::from_millis(50);
/// Number of different items.
const ITEMS: u64 = 40;

/// The counters and failures of the client.
#[derive(Debug, Default)]
pub(crate) struct ClientReport {
    /// Requests sent.
    pub(crate) sent: u64,
    /// Requests without the right answer, one line each.
    pub(crate) failed: Vec<String>,
    /// Acknowledged writes that a later read did not find, one line each.
    pub(crate) lost: Vec<String>,
}

/// A running client.
pub(crate) struct ExternalClient {
    task: JoinHandle<(ClientReport, Vec<Acknowledged>)>,
    stop: watch::Sender<bool>,
}

impl ExternalClient {
    /// Starts to send requests to the entry.
    pub(crate) fn start(model: &Model) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { task: tokio::spawn(send_requests(model.clone(), stopped)), stop }
    }

    /// Stops; returns its report and the acknowledged writes.
    pub(crate) async fn stop(self) -> (ClientReport, Vec<Acknowledged>) {
        self.stop.send_replace(true);
        self.task.await.expect("the client ends")
    }
}

async fn send_requests(
    model: Model,
    stopped: watch::Receiver<bool>,
) -> (ClientReport, Vec<Acknowledged>) {
    let mut report = ClientReport::default();
    let mut items: BTreeMap<String, Acknowledged> = BTreeMap::new();
    let mut pace = interval(REQUEST_INTERVAL);
    for n in 0_u64.. {
        if *stopped.borrow() {
            break;
        }
        pace.tick().await;
        report.sent += 1;
        // Two collections: one with an owner of its own in n-tier, and one without.
        let (collection, id) =
            (["orders", "books"][n as usize % 2], format!("outside-{}", n / 3 % ITEMS));
        let key = format!("{collection}/{id}");
        let start = Instant::now();
        let failure = match items.get(&key).filter(|_| n % 3 != 0) {
            Some(written) => check_item(&model, &key, written, &mut report.lost).await.err(),
            None => match model.try_write(&model.name, collection, &id, json!({ "n": n })).await {
                Ok((written, _)) => items.insert(key.clone(), written).and(None),
                Err(error) => Some(error),
            },
        };
        if let Some(failure) = failure {
            let took = start.elapsed().as_millis();
            report.failed.push(format!("{key} after {took} ms: {failure}"));
        }
    }
    (report, items.into_values().collect())
}

/// Reads an acknowledged item and compares.
async fn check_item(
    model: &Model,
    key: &str,
    written: &Acknowledged,
    lost: &mut Vec<String>,
) -> Result<(), String> {
    let answer = match model.call_service(&model.name, "GET", &format!("items/{key}"), vec![]).await
    {
        Err(error) if error.contains(": 404:") => {
            lost.push(format!("{key}: {error}"));
            return Ok(());
        }
        answer => answer?,
    };
    let found: Option<(&Version, &ItemValue)> = match &answer.outcome {
        Outcome::Item { version, value, .. } => Some((version, value)),
        _ => None,
    };
    let (version, value) = found.ok_or_else(|| format!("answered with {:?}", answer.outcome))?;
    // No other client writes these items.
    let expected = written.value.to_string();
    if *version != written.version || value.as_str() != expected {
        lost.push(format!("{key}: {version} {value}, not {} {}", written.version, written.value));
    }
    Ok(())
}
