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

/// How long a model may take to become Ready on a busy machine.
const READY_TIMEOUT: Duration = seconds(240);

/// An Architecture under test.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Applies the manifest in a namespace made for it, awaits that it is Ready, runs the test and
/// removes the namespace. If the test fails, what the cluster knows of it is printed first.
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

    /// The Architecture as it stands.
    pub(crate) async fn get(&self) -> Architecture {
        self.api::<Architecture>().get(&self.name).await.expect("the Architecture")
    }

    /// A condition of it, if it is about the newest spec.
    pub(crate) async fn condition(&self, kind: &str) -> Result<Condition, String> {
        let architecture = self.get().await;
        let generation = architecture.metadata.generation;
        let status: ArchitectureStatus = architecture.status.unwrap_or_default();
        if status.observed_generation != generation {
            let observed = status.observed_generation;
            return Err(format!("status is about generation {observed:?} of {generation:?}"));
        }
        let found = status.conditions.into_iter().find(|condition| condition.type_ == kind);
        found.ok_or_else(|| format!("no condition {kind}"))
    }

    /// Awaits that the condition has this status; gives it.
    pub(crate) async fn await_condition(
        &self,
        kind: &str,
        status: &str,
        within: Duration,
    ) -> Condition {
        eventually(&format!("{} {kind}={status}", self.name), within, async || {
            let condition = self.condition(kind).await?;
            if condition.status == status {
                return Ok(condition);
            }
            Err(format!("{}: {}: {}", condition.status, condition.reason, condition.message))
        })
        .await
    }

    /// Awaits that the model is Ready and all change has ended.
    pub(crate) async fn await_ready(&self) {
        self.await_condition("Ready", "True", READY_TIMEOUT).await;
        self.await_condition("Progressing", "False", READY_TIMEOUT).await;
    }

    /// Deletes the Architecture and awaits that it is gone.
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
