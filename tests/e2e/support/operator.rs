//! The operator's own pods.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams},
};

/// Kills every pod of the operator without a grace period.
pub(crate) async fn kill(client: &Client) {
    let api = Api::<Pod>::namespaced(client.clone(), "maquette-system");
    let labels = "app.kubernetes.io/name=maquette,app.kubernetes.io/component=operator";
    let pods = api.list(&ListParams::default().labels(labels)).await.expect("the operator's pods");
    assert!(!pods.items.is_empty(), "no operator runs");
    for pod in pods {
        let now = DeleteParams::default().grace_period(0);
        match api.delete(&pod.name_any(), &now).await {
            Ok(_) => {}
            // A previous call killed it.
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => panic!("the operator's pod {}: {error}", pod.name_any()),
        }
    }
}
