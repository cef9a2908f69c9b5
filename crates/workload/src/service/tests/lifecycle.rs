//! Start, reloads and graceful stop.

use super::*;
use maquette_contract::{Probe, Revision, StoreConfig};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Semaphore,
};

/// A fake component that answers one request for each permit of the semaphore.
async fn start_gated(name: &'static str) -> (Address, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let address = {
        let gate = Arc::clone(&gate);
        fake_component(move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                fake_item(name, "books", "1")
            }
        })
        .await
    };
    (address, gate)
}

fn revision(service: &Service) -> Revision {
    service.runtime.observations().revision
}

#[tokio::test]
async fn a_request_ends_under_the_configuration_of_its_start() {
    let (old, gate) = start_gated("old").await;
    let new = fake_component(async |_| fake_item("new", "books", "1")).await;
    let web = Arc::new(Service::start("web", thin_client_config("old", &old)).await);
    let running = {
        let web = Arc::clone(&web);
        tokio::spawn(async move { web.get("/items/books/1").await })
    };
    wait_until("the request is in flight", || web.runtime.config.in_flight() == 1).await;
    assert_eq!(web.runtime.observations().older_requests, 0);

    let text = document("web", thin_client_config("new", &new));
    web.configure(&text);
    wait_until("the new configuration is in force", || {
        revision(&web) == ComponentConfig::revision_of(&text)
    })
    .await;
    assert_eq!(web.runtime.observations().older_requests, 1);
    assert_eq!(web.get("/items/books/1").await.value(), "new");
    assert_eq!(web.runtime.observations().older_requests, 1, "still in flight");
    gate.add_permits(1);
    assert_eq!(running.await.unwrap().value(), "old");
    assert_eq!(web.runtime.observations().older_requests, 0);
}

#[tokio::test]
async fn unchanged_edges_keep_their_probes_and_traffic_after_a_reload() {
    let stays = fake_component(async |_| fake_summary("stays", &[])).await;
    let goes = fake_component(async |_| fake_summary("goes", &[])).await;
    let config = |calls: Vec<Call>| ServiceConfig { calls, ..idle_config() };
    let before = config(vec![call("stays", &stays), call("goes", &goes)]);
    let web = Service::start("web", before).await;
    let edges = || web.runtime.observations().edges;
    let all_work = || edges().iter().all(|edge| edge.probe == Probe::Works);
    wait_until("both probes succeed", all_work).await;
    web.get("/summary").await.counts();

    let added = free_address().await;
    let text = document("web", config(vec![call("stays", &stays), call("goes", &added)]));
    web.configure(&text);
    wait_until("the new configuration is in force", || {
        revision(&web) == ComponentConfig::revision_of(&text)
    })
    .await;
    let [kept, added] = &edges()[..] else { panic!() };
    assert_eq!(
        (&kept.to, &kept.probe, kept.traffic.requests),
        (&component("stays"), &Probe::Works, 1)
    );
    assert_eq!((&added.to, added.traffic.requests), (&component("goes"), 0));
    assert_ne!(added.probe, Probe::Works, "the old probe was of another address");
    wait_until("the new target fails its probe", || {
        matches!(edges()[1].probe, Probe::Fails { .. })
    })
    .await;
}

#[tokio::test]
async fn an_invalid_configuration_is_counted_and_not_used() {
    let web = Service::start("web", idle_config()).await;
    let before = revision(&web);
    let assert_rejected = async |text: &str, so_far: u32| {
        web.configure(text);
        let line = format!("maquette_config_errors_total {so_far}\n");
        wait_until("it is rejected", || web.runtime.metrics.text().unwrap().contains(&line)).await;
        assert_eq!(revision(&web), before);
    };
    assert_rejected("{", 1).await;
    assert_rejected(&document("other", idle_config()), 2).await;
    let role = RoleConfig::Store(StoreConfig {});
    let store = ComponentConfig {
        architecture: "shop".parse().unwrap(),
        architecture_uid: None,
        component: component("web"),
        role,
    };
    assert_rejected(&store.to_json().unwrap(), 3).await;
    let no_target =
        ServiceConfig { calls: vec![], ..thin_client_config("below", &free_address().await) };
    assert_rejected(&document("web", no_target), 4).await;
    let newer =
        document("web", idle_config()).replace("\"schemaVersion\": 1", "\"schemaVersion\": 2");
    assert_rejected(&newer, 5).await;
    let text = document("web", ServiceConfig { mode: CallMode::Parallel, ..idle_config() });
    web.configure(&text);
    wait_until("it recovers", || revision(&web) == ComponentConfig::revision_of(&text)).await;
}

#[tokio::test]
async fn the_admin_port_reports_the_pod() {
    let below = fake_component(async |_| fake_summary("below", &[])).await;
    let web = Service::start("web", thin_client_config("below", &below)).await;
    wait_until("it is ready", || web.runtime.readiness.unmet_conditions().is_empty()).await;
    assert_eq!(web.admin("/readyz").await.text(), "ready\n");
    assert_eq!(web.admin("/livez").await.status, StatusCode::OK);
    web.get("/summary").await.counts();
    let report: maquette_contract::Observations =
        serde_json::from_slice(&web.admin("/observations").await.body).unwrap();
    assert_eq!((report.component, &*report.pod), (component("web"), "shop-web-1"));
    assert_eq!(report.served.requests, 1);
    assert_eq!((report.edges[0].traffic.requests, report.edges[0].traffic.failures), (1, 0));
}

#[tokio::test]
async fn the_metrics_pass_promtool() {
    let below = fake_component(async |_| fake_item("below", "books", "1")).await;
    let web = Service::start("web", thin_client_config("below", &below)).await;
    web.get("/items/books/1").await.value();
    web.get("/items/Books/1").await.error(StatusCode::BAD_REQUEST);
    web.get("/summary").await.error(StatusCode::BAD_GATEWAY);
    let got = web.admin("/metrics").await;
    assert_eq!(got.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"maquette_requests_total{operation="get",code="2xx"} 1"#,
        r#"maquette_requests_total{operation="get",code="4xx"} 1"#,
        r#"maquette_requests_total{operation="summary",code="5xx"} 1"#,
        r#"maquette_request_duration_seconds_count{operation="get"} 2"#,
        "maquette_requests_in_flight 0",
    ] {
        assert!(got.text().contains(line), "{line} is not in\n{}", got.text());
    }
    promtool::assert_clean(got.text());
}

/// A client with a keep-alive connection.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(address: &Address) -> Self {
        Self(BufReader::new(TcpStream::connect(&address.0).await.unwrap()))
    }

    /// The status line, and whether the response closes the connection.
    async fn get(&mut self, path: &str) -> (String, bool) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: web\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut status, mut close, mut length) = (String::new(), false, 0);
        self.0.read_line(&mut status).await.unwrap();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            close |= line == "connection: close";
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        self.0.read_exact(&mut vec![0; length]).await.unwrap();
        (status.trim_end().to_owned(), close)
    }
}

#[tokio::test]
async fn a_connection_closes_after_the_first_answer_under_new_settings() {
    let web = Service::start("web", idle_config()).await;
    let mut kept = Client::connect(&web.address).await;
    let ok = "HTTP/1.1 204 No Content".to_owned();
    assert_eq!(kept.get("/ping").await, (ok.clone(), false));
    let text = document("web", ServiceConfig { mode: CallMode::Parallel, ..idle_config() });
    web.configure(&text);
    wait_until("the new configuration is in force", || {
        revision(&web) == ComponentConfig::revision_of(&text)
    })
    .await;
    assert_eq!(kept.get("/ping").await, (ok.clone(), true));
    let mut next = Client::connect(&web.address).await;
    assert_eq!(next.get("/ping").await, (ok, false));
}

#[tokio::test]
async fn a_graceful_stop_fails_no_request() {
    let (slow, gate) = start_gated("slow").await;
    let web = Arc::new(Service::start("web", thin_client_config("slow", &slow)).await);
    wait_until("it is ready", || web.runtime.readiness.unmet_conditions().is_empty()).await;
    let running = {
        let web = Arc::clone(&web);
        tokio::spawn(async move { web.get("/items/books/1").await })
    };
    wait_until("the request is in flight", || web.runtime.config.in_flight() == 1).await;
    let mut kept = Client::connect(&web.address).await;
    let ok = "HTTP/1.1 204 No Content".to_owned();
    assert_eq!(kept.get("/ping").await, (ok.clone(), false));

    web.runtime.shutdown.begin();
    let got = web.admin("/readyz").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(got.text(), "shutdown: a stop was requested\n");
    assert_eq!(kept.get("/ping").await, (ok.clone(), true), "still served, but closed");
    let mut late = Client::connect(&web.address).await;
    assert_eq!(late.get("/ping").await, (ok, true), "a new connection is still served");

    web.runtime.shutdown.wait_until_draining().await;
    assert!(!web.serving.is_finished(), "a request is in flight");
    gate.add_permits(1);
    let got = running.await.unwrap();
    assert_eq!(got.value(), "slow");
    wait_until("it has drained", || web.serving.is_finished()).await;
    assert!(TcpStream::connect(&web.address.0).await.is_err(), "the port is closed");
}
