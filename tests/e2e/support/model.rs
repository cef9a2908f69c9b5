//! A model in a namespace of its own.

use super::{cluster, diagnostics, eventually, seconds};
use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use maquette::api::{Architecture, ArchitectureStatus};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, SystemTime};

/// Longest time until a model is Ready on a busy machine.
const READY_TIMEOUT: Duration = seconds(240);

/// An Architecture under test.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Applies the manifest in a new namespace, waits until it is Ready, runs the test and removes the
/// namespace. If the test fails, it prints the diagnostics first.
pub(crate) async fn run(test: &str, manifest: &str, body: impl AsyncFnOnce(&Model)) {
    let architecture: DynamicObject = serde_norway::from_str(manifest).expect("a manifest");
    let client = cluster::client().await;
    let namespace = create_namespace(&client, test).await;
    let model = Model { client, namespace, name: architecture.name_any() };
    let outcome = AssertUnwindSafe(async {
        model.apply(manifest).await;
        model.await_ready().await;
        body(&model).await;
    })
    .catch_unwind()
    .await;
    if outcome.is_err() {
        diagnostics::print(&model).await;
    }
    model.remove_namespace().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn create_namespace(client: &Client, test: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    let name = format!("e2e-{test}-{:x}", now.as_millis());
    let enforce = ("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned());
    let labels = Some([enforce].into());
    let metadata = ObjectMeta { name: Some(name.clone()), labels, ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let api = Api::<Namespace>::all(client.clone());
    api.create(&PostParams::default(), &namespace).await.expect("a namespace");
    println!("namespace {name}");
    name
}

impl Model {
    /// The objects of one kind in the model's namespace.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// `<architecture>-<component>`, the name of a component's objects.
    pub(crate) fn child(&self, component: &str) -> String {
        format!("{}-{component}", self.name)
    }

    /// Applies a manifest, as `kubectl apply --server-side` does.
    pub(crate) async fn apply(&self, manifest: &str) {
        let wanted: DynamicObject = serde_norway::from_str(manifest).expect("a manifest");
        let api = self.api::<Architecture>();
        let params = PatchParams::apply("e2e").force();
        api.patch(&self.name, &params, &Patch::Apply(&wanted)).await.expect("applied");
    }

    /// The Architecture from the API server.
    pub(crate) async fn get(&self) -> Architecture {
        self.api::<Architecture>().get(&self.name).await.expect("the Architecture")
    }

    /// A condition, if it is about the newest generation.
    pub(crate) async fn condition(&self, type_: &str) -> Result<Condition, String> {
        let architecture = self.get().await;
        let generation = architecture.metadata.generation;
        let status: ArchitectureStatus = architecture.status.unwrap_or_default();
        if status.observed_generation != generation {
            let observed = status.observed_generation;
            return Err(format!("status is about generation {observed:?} of {generation:?}"));
        }
        let found = status.conditions.into_iter().find(|condition| condition.type_ == type_);
        found.ok_or_else(|| format!("no condition {type_}"))
    }

    /// Waits until the condition has this status; returns it.
    pub(crate) async fn await_condition(
        &self,
        type_: &str,
        status: &str,
        within: Duration,
    ) -> Condition {
        eventually(&format!("{} {type_}={status}", self.name), within, async || {
            let condition = self.condition(type_).await?;
            if condition.status == status {
                return Ok(condition);
            }
            Err(format!("{}: {}: {}", condition.status, condition.reason, condition.message))
        })
        .await
    }

    /// Waits until the model is Ready and does not change any more.
    pub(crate) async fn await_ready(&self) {
        self.await_condition("Ready", "True", READY_TIMEOUT).await;
        self.await_condition("Progressing", "False", READY_TIMEOUT).await;
    }

    /// Deletes the Architecture and waits until it does not exist.
    pub(crate) async fn delete(&self) {
        let api = self.api::<Architecture>();
        api.delete(&self.name, &DeleteParams::default()).await.expect("deleted");
        eventually("the Architecture is gone", seconds(60), async || {
            match api.get_opt(&self.name).await.map_err(|error| error.to_string())? {
                None => Ok(()),
                Some(left) => Err(format!("finalizers {:?}", left.finalizers())),
            }
        })
        .await;
    }

    async fn remove_namespace(&self) {
        let api = Api::<Namespace>::all(self.client.clone());
        if let Err(error) = api.delete(&self.namespace, &DeleteParams::default()).await {
            println!("the namespace {} stays: {error}", self.namespace);
        }
    }
}
