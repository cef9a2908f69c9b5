//! The control plane that all tests share.

use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::GroupVersionKind,
    discovery::ApiResource,
};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Where the operator is installed.
pub(crate) const OPERATOR_NAMESPACE: &str = "maquette-system";
/// The name of everything that is installed for the operator.
const OPERATOR: &str = "maquette";

/// A running control plane, by its files.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    /// The administrator's credentials.
    kubeconfig: PathBuf,
    /// The operator's credentials.
    pub(crate) operator_kubeconfig: PathBuf,
    /// One JSON line per stage of a request.
    pub(crate) audit_log: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared control plane, started at the first call. It ends with this process.
pub(crate) fn control_plane() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| {
        // The caller is inside a runtime, which may not block on another one.
        std::thread::spawn(up).join().expect("the control plane is up")
    })
}

/// The administrator's kubeconfig.
pub(crate) fn kubeconfig() -> &'static Path {
    &control_plane().kubeconfig
}

fn up() -> ControlPlane {
    let binary = root().join("bin/maquette-dev-cluster");
    assert!(binary.exists(), "{} is missing: run `make tools`", binary.display());
    let directory = tempfile::tempdir().expect("a temporary directory").keep();
    let output = Command::new(binary)
        .args(["up", "--control-plane", "--audit-log", "--dir"])
        .arg(&directory)
        .args(["--parent-pid", &std::process::id().to_string()])
        .output()
        .expect("the development cluster's command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no control plane: {errors}");
    let kubeconfig = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let plane = ControlPlane {
        operator_kubeconfig: directory.join("operator.kubeconfig"),
        audit_log: directory.join("audit.log"),
        kubeconfig,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(install(&plane));
    plane
}

impl ControlPlane {
    /// A separate control plane, for a test that changes what the other tests share.
    pub(crate) async fn own() -> Self {
        tokio::task::spawn_blocking(up).await.expect("the control plane is up")
    }

    /// The host and port of the API server.
    pub(crate) fn address(&self) -> String {
        let file = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        let cluster = file.clusters[0].cluster.as_ref().expect("a cluster");
        let server = cluster.server.as_deref().expect("a server");
        server.trim_start_matches("https://").trim_end_matches('/').to_owned()
    }

    /// A client with the administrator's credentials.
    pub(crate) async fn client(&self) -> Client {
        let file = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(file, &options).await.expect("a configuration");
        Client::try_from(config).expect("a client")
    }
}

/// Applies `manifests/install.yaml` without the Deployment and the Service of the operator.
async fn install(plane: &ControlPlane) {
    let client = plane.client().await;
    let text = fs::read_to_string(root().join("manifests/install.yaml")).expect("install.yaml");
    for document in serde_norway::Deserializer::from_str(&text) {
        let object = DynamicObject::deserialize(document).expect("an object");
        let types = object.types.clone().expect("a kind");
        if matches!(types.kind.as_str(), "Deployment" | "Service") {
            continue;
        }
        let gvk = GroupVersionKind::try_from(types).expect("a group, version and kind");
        let resource = ApiResource::from_gvk(&gvk);
        let api: Api<DynamicObject> = match object.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let params = PatchParams::apply("tests").force();
        api.patch(&object.name_any(), &params, &Patch::Apply(&object)).await.expect("applied");
    }
    await_established(&client).await;
    let of = (OPERATOR_NAMESPACE, OPERATOR);
    plane.write_kubeconfig(&client, of, &plane.operator_kubeconfig).await;
}

async fn await_established(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    super::eventually("the custom resource is served", super::soon(), async || {
        let found = api.get("architectures.maquette.dev").await.map_err(|e| e.to_string())?;
        let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
        let served = conditions.iter().any(|c| c.type_ == "Established" && c.status == "True");
        served.then_some(()).ok_or_else(|| "not established".to_owned())
    })
    .await;
}

impl ControlPlane {
    /// Writes the kubeconfig of a ServiceAccount, by namespace and name, into the file `to`.
    pub(crate) async fn write_kubeconfig(&self, client: &Client, of: (&str, &str), to: &Path) {
        let api: Api<ServiceAccount> = Api::namespaced(client.clone(), of.0);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(7200),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let made = api.create_token_request(of.1, &PostParams::default(), &request).await;
        let token = made.expect("a token").status.expect("a token").token;
        let text = fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let mut file: serde_norway::Value = serde_norway::from_str(&text).expect("YAML");
        let user =
            [("token".to_owned(), token)].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        file["users"][0]["user"] = serde_norway::to_value(user).expect("YAML");
        let text = serde_norway::to_string(&file).expect("YAML");
        fs::write(to, text).expect("a file");
    }
}
