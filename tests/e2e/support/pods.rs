//! The pods of a model and their reports.

use super::{Model, eventually, seconds};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use maquette_contract::{LoadObservation, Observations, keys, ports};

impl Model {
    /// The pods of a component, by name.
    pub(crate) async fn pods(&self, component: &str) -> Vec<Pod> {
        let labels = format!(
            "{}={},{}={component}",
            keys::LABEL_ARCHITECTURE,
            self.name,
            keys::LABEL_COMPONENT
        );
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&labels)).await;
        let mut pods = pods.expect("a list of pods").items;
        pods.sort_by_key(ResourceExt::name_any);
        pods
    }

    /// Deletes a pod as `kubectl delete pod` does.
    pub(crate) async fn delete_pod(&self, pod: &str) {
        self.api::<Pod>().delete(pod, &DeleteParams::default()).await.expect("deleted");
    }

    /// Kills a pod without a grace period.
    pub(crate) async fn kill_pod(&self, pod: &str) {
        let params = DeleteParams::default().grace_period(0);
        self.api::<Pod>().delete(pod, &params).await.expect("killed");
    }

    /// Waits until the component has `count` pods, all ready and none of them in `old`.
    pub(crate) async fn await_replaced(&self, component: &str, old: &[Pod], count: usize) {
        let old: Vec<_> = old.iter().filter_map(ResourceExt::uid).collect();
        eventually(&format!("pods of {component} replaced"), seconds(120), async || {
            let pods = self.pods(component).await;
            let new = |pod: &&Pod| pod.uid().is_some_and(|uid| !old.contains(&uid));
            let ready = pods.iter().filter(new).filter(|pod| is_ready(pod)).count();
            if ready == count && pods.len() == count {
                return Ok(());
            }
            Err(format!("{ready} of {count} pods new and ready, {} in all", pods.len()))
        })
        .await;
    }

    /// The report of a pod.
    pub(crate) async fn observations(&self, pod: &str) -> Result<Observations, String> {
        let body = self.admin(pod, "observations").await?;
        serde_json::from_slice(&body).map_err(|error| format!("{pod}: {error}"))
    }

    /// The answer of a pod's admin port to `path`.
    async fn admin(&self, pod: &str, path: &str) -> Result<Vec<u8>, String> {
        let path = format!("pods/{pod}:{}/proxy/{path}", ports::ADMIN.number);
        let (status, body) = self.send("GET", &path, Vec::new()).await?;
        if status != 200 {
            return Err(format!("{pod}: {status}: {}", String::from_utf8_lossy(&body)));
        }
        Ok(body)
    }

    /// The metrics of every pod of the model.
    pub(crate) async fn metrics(&self) -> Vec<String> {
        let labels = format!("{}={}", keys::LABEL_ARCHITECTURE, self.name);
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&labels)).await;
        let mut metrics = vec![];
        for pod in pods.expect("a list of pods") {
            let body = self.admin(&pod.name_any(), "metrics").await.expect("metrics");
            metrics.push(String::from_utf8(body).expect("text"));
        }
        metrics
    }

    /// The counters of the load so far.
    pub(crate) async fn load(&self) -> LoadObservation {
        eventually("the load reports", seconds(30), async || {
            let pods = self.pods("load").await;
            let pod = pods.first().ok_or("no load pod")?;
            self.observations(&pod.name_any()).await?.load.ok_or_else(|| "no load report".into())
        })
        .await
    }

    /// Waits until `count` more requests of the load succeeded than in `before`; returns the
    /// counters then.
    pub(crate) async fn await_load(&self, before: LoadObservation, count: u64) -> LoadObservation {
        eventually(&format!("{count} more requests"), seconds(120), async || {
            let now = self.load().await;
            let more = now.succeeded.saturating_sub(before.succeeded);
            if more >= count { Ok(now) } else { Err(format!("{more} more requests: {now:?}")) }
        })
        .await
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
}
