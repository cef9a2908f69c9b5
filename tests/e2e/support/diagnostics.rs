//! Diagnostics of a model whose test failed.

use super::Model;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt};
use maquette::api::Architecture;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Lines of a log that are printed.
const LINES: i64 = 60;

/// Prints the Architecture, its children, pods, events and logs, and the operator's log.
pub(crate) async fn print(model: &Model) {
    println!("---- diagnostics of {}/{}", model.namespace, model.name);
    objects::<Architecture>(model).await;
    statuses::<Deployment>(model).await;
    statuses::<StatefulSet>(model).await;
    statuses::<PersistentVolumeClaim>(model).await;
    pods(model).await;
    events(model).await;
    let system: Api<Pod> = Api::namespaced(model.client.clone(), "maquette-system");
    logs(&system).await;
}

async fn objects<K>(model: &Model)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + Debug + Serialize + DeserializeOwned,
    K::DynamicType: Default,
{
    for mut object in model.api::<K>().list(&ListParams::default()).await.into_iter().flatten() {
        object.meta_mut().managed_fields = None;
        println!("---\n{}", serde_norway::to_string(&object).unwrap_or_default());
    }
}

async fn statuses<K>(model: &Model)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + Debug + Serialize + DeserializeOwned,
    K::DynamicType: Default,
{
    for object in model.api::<K>().list(&ListParams::default()).await.into_iter().flatten() {
        let value = serde_json::to_value(&object).unwrap_or_default();
        println!("{} {}: {}", K::kind(&Default::default()), object.name_any(), value["status"]);
    }
}

async fn pods(model: &Model) {
    let api = model.api::<Pod>();
    for pod in api.list(&ListParams::default()).await.into_iter().flatten() {
        let status = pod.status.clone().unwrap_or_default();
        println!("pod {}: {}", pod.name_any(), serde_json::to_string(&status).unwrap_or_default());
        match model.observations(&pod.name_any()).await {
            Ok(report) => println!("{}", serde_json::to_string(&report).unwrap_or_default()),
            Err(error) => println!("no observations: {error}"),
        }
    }
    logs(&api).await;
}

async fn events(model: &Model) {
    for event in model.api::<Event>().list(&ListParams::default()).await.into_iter().flatten() {
        let about = event.involved_object.name.unwrap_or_default();
        let (reason, message) =
            (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
        println!("event {about}: {reason}: {message}");
    }
}

async fn logs(api: &Api<Pod>) {
    for pod in api.list(&ListParams::default()).await.into_iter().flatten() {
        let params = LogParams { tail_lines: Some(LINES), ..LogParams::default() };
        println!("log of {}:", pod.name_any());
        match api.logs(&pod.name_any(), &params).await {
            Ok(text) => println!("{text}"),
            Err(error) => println!("none: {error}"),
        }
    }
}
