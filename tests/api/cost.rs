//! What Architectures cost, beside the bare writes of the same objects: `make bench-operator`.

use crate::support::{
    AnyObject, CHILD_KINDS, ControlPlane, Operator, TestNamespace, api_of, eventually, seconds,
};
use futures::{StreamExt, stream};
use kube::{
    ResourceExt,
    api::{ListParams, PostParams},
};
use maquette::api::Architecture;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Requests at once, of the operator and of the bare writes.
const CONNECTIONS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark: make bench-operator"]
async fn the_cost_of_architectures_beside_bare_writes() {
    let count = std::env::var("BENCH_ARCHITECTURES").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(200);
    let plane = ControlPlane::own().await;
    let built = TestNamespace::on(&plane, "built").await;
    let bare = TestNamespace::on(&plane, "bare").await;
    let args = ["--leader-elect", "false", "--concurrency", "16"];
    let operator = Operator::start_on(&plane, &args, &[("MAQUETTE_LOG", "info")]);
    eventually("it is ready", seconds(60), async || operator.probe("/readyz").await).await;
    let idle = Figures::read(&operator).await;

    let began_at = Instant::now();
    let names = (0..count).map(|number| format!("a{number}"));
    let applied = names.map(|name| {
        let built = &built;
        async move { built.apply(&name, "{shape: ThreeTier}").await }
    });
    stream::iter(applied).buffer_unordered(CONNECTIONS).collect::<Vec<_>>().await;
    await_built(&built, count).await;
    let took = began_at.elapsed();
    let busy = Figures::read(&operator).await;

    let children = all_children(&built).await;
    drop(operator);
    let bare_took = write_all(&bare, &children).await;
    print_table(count, children.len(), (took, bare_took), (&idle, &busy));
}

/// Waits until every Architecture has all its children and the status shows it.
async fn await_built(namespace: &TestNamespace, count: usize) {
    eventually("all are built", seconds(600), async || {
        let list = namespace.api::<Architecture>().list(&ListParams::default()).await;
        let found = list.map_err(|error| error.to_string())?;
        let is_built = |one: &&Architecture| {
            let status = one.status.as_ref();
            let components = status.map(|status| status.components.as_slice()).unwrap_or_default();
            let is_made =
                |message: Option<&str>| message.is_some_and(|m| m.contains("pods are ready"));
            components.len() == 4 && components.iter().all(|c| is_made(c.message.as_deref()))
        };
        let built = found.iter().filter(is_built).count();
        if built == count { Ok(()) } else { Err(format!("{built} of {count}")) }
    })
    .await;
}

/// Every child, without what the API server added.
async fn all_children(
    namespace: &TestNamespace,
) -> Vec<((&'static str, &'static str, &'static str), AnyObject)> {
    let mut children = vec![];
    for kind in CHILD_KINDS {
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=maquette");
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
    children
}

async fn write_all(
    namespace: &TestNamespace,
    children: &[((&'static str, &'static str, &'static str), AnyObject)],
) -> Duration {
    let began_at = Instant::now();
    let writes = children.iter().map(|(kind, child)| async move {
        let made = api_of(namespace, *kind).create(&PostParams::default(), child).await;
        made.unwrap_or_else(|error| panic!("{} {}: {error}", kind.2, child.name_any()));
    });
    stream::iter(writes).buffer_unordered(CONNECTIONS).collect::<Vec<_>>().await;
    began_at.elapsed()
}

/// Figures of the operator's process.
struct Figures {
    cpu_seconds: f64,
    resident_mib: f64,
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
            requests,
        }
    }
}

fn print_table(
    count: usize,
    objects: usize,
    (took, bare_took): (Duration, Duration),
    (idle, busy): (&Figures, &Figures),
) {
    let each = 1.0 / count as f64;
    let cpu = (busy.cpu_seconds - idle.cpu_seconds) * 1000.0 * each;
    let (took, bare_took) = (took.as_secs_f64(), bare_took.as_secs_f64());
    println!("| {count} Architectures, {objects} objects, {CONNECTIONS} connections | |");
    println!("| --- | --- |");
    println!("| operator | {took:.2} s |");
    println!("| bare writes of the same objects | {bare_took:.2} s |");
    println!("| ratio | {:.2} |", took / bare_took);
    println!("| CPU of the operator for each | {cpu:.1} ms |");
    println!("| resident memory, idle | {:.1} MiB |", idle.resident_mib);
    println!("| resident memory, at the end | {:.1} MiB |", busy.resident_mib);
    for (method, total) in &busy.requests {
        let requests = (total - idle.requests.get(method).unwrap_or(&0.0)) * each;
        println!("| {method} requests for each | {requests:.2} |");
    }
}
