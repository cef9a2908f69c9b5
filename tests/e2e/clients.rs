//! Clients: smart ones share a store, thin ones have no address of it.

use crate::support::run;
use k8s_openapi::api::core::v1::ConfigMap;
use maquette_contract::{ComponentConfig, RoleConfig, keys};
use serde_json::json;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn clients_of_one_store_see_each_others_writes() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: shared}
spec:
  shape: ClientServer
  clientServer:
    entry: web
    clients: [{name: web}, {name: reports}]
  load: {requestsPerSecond: 0}
";
    run("shared-store", manifest, async |model| {
        let (web, reports) = (model.child("web"), model.child("reports"));
        let (by_web, _) = model.write(&web, "books", "by-web", json!(1)).await;
        let read = model.read_back(&reports, &by_web).await;
        assert_eq!(read.trace.component.as_str(), "reports");
        let (by_reports, _) = model.write(&reports, "books", "by-reports", json!(2)).await;
        let read = model.read_back(&web, &by_reports).await;
        assert_eq!(read.trace.component.as_str(), "web");
        let (newer, _) = model.write(&reports, "books", "by-web", json!(3)).await;
        assert!(newer.version > by_web.version, "{} <= {}", newer.version, by_web.version);
        model.read_back(&web, &newer).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn a_thin_client_has_no_address_of_the_data() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: thin}
spec:
  shape: ThreeTier
  load: {requestsPerSecond: 0}
";
    run("thin-client", manifest, async |model| {
        let map =
            model.api::<ConfigMap>().get(&model.child("client")).await.expect("its configuration");
        let data = map.data.expect("data");
        let text = &data[keys::CONFIG_FILE];
        let config = ComponentConfig::from_json(text).expect("a configuration");
        let RoleConfig::Service(service) = config.role else {
            panic!("the client is no service: {text}");
        };
        assert_eq!(service.store, None);
        let calls: Vec<_> = service.calls.iter().map(|call| call.component.as_str()).collect();
        assert_eq!(calls, ["business"]);
        let json = serde_json::to_string(&data).expect("JSON");
        assert!(!json.contains(&model.child("data")), "the store's address is in {json}");
    })
    .await;
}
