//! What Architectures cost, beside the bare writes of the same objects: `make bench-operator`.

use crate::support::{
    ARCHITECTURE, AnyObject, CHILD_KINDS, ControlPlane, Operator, TestNamespace, api_of,
    eventually, seconds,
};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    ResourceExt,
    api::{ListParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use maquette::api::{Architecture, ArchitectureStatus};
use maquette_contract::keys::LABEL_ARCHITECTURE;
use std::{
    collections::{BTreeMap, HashSet},
    pin::pin,
    time::{Duration, Instant},
};

/// Requests at once, of the bare writes.
const CONNECTIONS: usize = 16;

/// Group, version and kind.
type Kind = (&'static str, &'static str, &'static str);

/// The claims of stores are children too, although they can outlive their Architecture.
const CLAIM: Kind = ("", "v1", "PersistentVolumeClaim");

/// Measured time: from the first write of an Architecture until the status of the last one shows all
/// its components, beside bare writes of the Architectures and all that the operator made for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark: make bench-operator"]
async fn the_cost_of_architectures_beside_bare_writes() {
    let count = std::env::var("BENCH_ARCHITECTURES").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(200);
    let plane = ControlPlane::own().await;
    let built = TestNamespace::on(&plane, "built").await;
    let bare = TestNamespace::on(&plane, "bare").await;
    let args = ["--leader-elect", "false", "--log", "info"];
    let operator = Operator::start_on(&plane, &args, &[]);
    eventually("it is ready", seconds(60), async || operator.probe("/readyz").await).await;
    let idle = Figures::read(&operator).await;

    let architectures: Vec<_> =
        (0..count).map(|number| (ARCHITECTURE, new_architecture(number))).collect();
    let began_at = Instant::now();
    futures::join!(write_all(&built, &architectures), await_built(&built, count));
    let took = began_at.elapsed();
    let busy = Figures::read(&operator).await;

    let objects = [architectures, all_children(&built).await].concat();
    await_controllers(&built).await;
    let settled = Figures::read(&operator).await;
    drop(operator);
    let began_at = Instant::now();
    write_all(&bare, &objects).await;
    let bare_took = began_at.elapsed();
    print_table(count, objects.len(), (took, bare_took), [&idle, &busy, &settled]);
}

fn new_architecture(number: usize) -> AnyObject {
    let text = format!(
        "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: a{number}}}, \
         spec: {{shape: ThreeTier}}}}"
    );
    serde_norway::from_str(&text).expect("YAML")
}

/// Waits until the status of every Architecture shows all its components. It watches: polls would
/// cost more than the operator does.
async fn await_built(namespace: &TestNamespace, count: usize) {
    let events = watcher(namespace.api::<Architecture>(), watcher::Config::default());
    let mut events = pin!(events.applied_objects());
    let mut built = HashSet::new();
    let all_built = async {
        while built.len() < count {
            let next = events.try_next().await.expect("a watch");
            let architecture = next.expect("a watch does not end");
            if architecture.status.as_ref().is_some_and(is_built) {
                built.insert(architecture.name_any());
            }
        }
    };
    tokio::time::timeout(seconds(600), all_built).await.expect("all are built");
}

fn is_built(status: &ArchitectureStatus) -> bool {
    let mut messages = status.components.iter().map(|component| component.message.as_deref());
    status.components.len() == 4
        && messages.all(|message| message.is_some_and(|text| text.contains("pods are ready")))
}

/// Waits until the controllers of Kubernetes have made all pods, so that they do not compete with
/// the bare writes more than they did before.
async fn await_controllers(namespace: &TestNamespace) {
    eventually("all pods are made", seconds(600), async || {
        let list = namespace.api::<Deployment>().list(&ListParams::default()).await;
        let found = list.map_err(|error| error.to_string())?;
        let has_pods = |one: &&Deployment| {
            let desired = one.spec.as_ref().and_then(|spec| spec.replicas);
            desired == one.status.as_ref().and_then(|status| status.replicas)
        };
        let settled = found.iter().filter(has_pods).count();
        match settled == found.items.len() {
            true => Ok(()),
            false => Err(format!("{settled} of {}", found.items.len())),
        }
    })
    .await;
}

/// Every child, without what the API server added; one Architecture after the other, as the operator
/// writes them, so that the controllers of Deployments are as busy beside the bare writes.
async fn all_children(namespace: &TestNamespace) -> Vec<(Kind, AnyObject)> {
    let mut children = vec![];
    // Claims first, as the operator writes them: else the controller of the StatefulSets makes them.
    for kind in [CLAIM].into_iter().chain(CHILD_KINDS) {
        let ours = ListParams::default().labels("maquette.dev/architecture");
        for mut child in api_of(namespace, kind).list(&ours).await.expect("a list") {
            let metadata = std::mem::take(&mut child.metadata);
            child.metadata.name = metadata.name;
            child.metadata.labels = metadata.labels;
            child.metadata.annotations = metadata.annotations;
            if let Some(spec) = child.data.get_mut("spec").and_then(|spec| spec.as_object_mut()) {
                spec.remove("clusterIPs");
                if spec.get("clusterIP").is_some_and(|ip| ip != "None") {
                    spec.remove("clusterIP");
                }
            }
            child.data.as_object_mut().map(|data| data.remove("status"));
            children.push((kind, child));
        }
    }
    children.sort_by_key(|(_, child)| child.labels().get(LABEL_ARCHITECTURE).cloned());
    children
}

async fn write_all(namespace: &TestNamespace, objects: &[(Kind, AnyObject)]) {
    let writes = objects.iter().map(|(kind, object)| async move {
        let made = api_of(namespace, *kind).create(&PostParams::default(), object).await;
        made.unwrap_or_else(|error| panic!("{} {}: {error}", kind.2, object.name_any()));
    });
    stream::iter(writes).buffer_unordered(CONNECTIONS).collect::<Vec<_>>().await;
}

/// Figures of the operator's process.
struct Figures {
    cpu_seconds: f64,
    resident_mib: f64,
    reconciles: f64,
    /// By method.
    requests: BTreeMap<String, f64>,
}

impl Figures {
    async fn read(operator: &Operator) -> Self {
        let metrics = operator.metrics().await;
        let lines: Vec<(&str, f64)> = metrics
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        let value_of = |wanted: &str| {
            lines.iter().find(|(name, _)| *name == wanted).map_or(f64::NAN, |(_, value)| *value)
        };
        let mut requests = BTreeMap::new();
        for (name, value) in &lines {
            let Some(labels) = name.strip_prefix("rest_client_requests_total{") else { continue };
            let method = labels.split("method=\"").nth(1).and_then(|rest| rest.split('"').next());
            *requests.entry(method.unwrap_or_default().to_owned()).or_default() += value;
        }
        Self {
            cpu_seconds: value_of("process_cpu_seconds_total"),
            resident_mib: value_of("process_resident_memory_bytes") / f64::from(1 << 20),
            reconciles: lines
                .iter()
                .filter(|(name, _)| name.starts_with("controller_runtime_reconcile_total{"))
                .map(|(_, value)| value)
                .sum(),
            requests,
        }
    }
}

fn print_table(
    count: usize,
    objects: usize,
    (took, bare_took): (Duration, Duration),
    [idle, busy, settled]: [&Figures; 3],
) {
    let each = 1.0 / count as f64;
    let cpu = |figures: &Figures| (figures.cpu_seconds - idle.cpu_seconds) * 1000.0 * each;
    let (took, bare_took) = (took.as_secs_f64(), bare_took.as_secs_f64());
    println!("| {count} Architectures, {objects} objects, {CONNECTIONS} connections | |");
    println!("| --- | --- |");
    println!("| operator | {took:.2} s |");
    println!("| bare writes of the same objects | {bare_took:.2} s |");
    println!("| ratio | {:.2} |", took / bare_took);
    println!("| CPU of the operator for each | {:.1} ms |", cpu(busy));
    println!("| the same until all pods are made | {:.1} ms |", cpu(settled));
    println!("| resident memory, idle | {:.1} MiB |", idle.resident_mib);
    println!("| resident memory, when all are built | {:.1} MiB |", busy.resident_mib);
    println!("| resident memory, when all pods are made | {:.1} MiB |", settled.resident_mib);
    println!("| reconciles for each | {:.2} |", busy.reconciles * each);
    println!("| the same until all pods are made | {:.2} |", settled.reconciles * each);
    for (method, total) in &busy.requests {
        let requests = (total - idle.requests.get(method).unwrap_or(&0.0)) * each;
        println!("| {method} requests for each | {requests:.2} |");
    }
}
