//! What a cluster has of an Architecture.

use crate::{
    api::Architecture,
    observe::{self, RunningTopology, Snapshot, is_controlled_by},
    plan::{Identity, Topology, plan},
};
use clap::Args;
use k8s_openapi::{
    Metadata, NamespaceResourceScope, api::core::v1::PersistentVolumeClaim,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, Config, Resource,
    api::{ApiResource, DynamicObject, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use maquette_contract::keys::LABEL_ARCHITECTURE;
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fmt::Debug, path::PathBuf, sync::Arc, time::Duration};

/// Which cluster, and where in it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ClusterArgs {
    /// The namespace; without it, the one that the file or the context names.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// The context of the kubeconfig; without it, the current one.
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// The kubeconfig; without it, the one that KUBECONFIG names, ~/.kube/config, or that of the
    /// pod that this runs in.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Why nothing is known of what runs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is no cluster.
    #[error("no cluster to talk to: set KUBECONFIG, or give --kubeconfig or --context")]
    NoCluster(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not answer, or refuses.
    #[error("cannot read {what} in namespace {namespace}")]
    Read {
        /// What was asked for.
        what: String,
        /// Where.
        namespace: String,
        /// Why not.
        source: Box<kube::Error>,
    },
    /// The Architecture is not there.
    #[error(
        "no Architecture {name} in namespace {namespace}: `kubectl get architectures \
         --all-namespaces` lists those that are"
    )]
    NotFound {
        /// Its name.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// Its name cannot be a part of its objects' names.
    #[error("Architecture {name}: the name cannot be a part of its objects' names")]
    Name {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: maquette_contract::NameError,
    },
}

/// A namespace of a cluster.
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
}

/// An Architecture in a cluster and what runs of it.
pub(super) struct LiveArchitecture {
    pub(super) architecture: Architecture,
    /// What it asks for; none if it cannot run.
    pub(super) desired: Option<Topology>,
    pub(super) running: RunningTopology,
    /// Its volumes' claims, by name, with their size.
    pub(super) claims: BTreeMap<String, String>,
}

impl Cluster {
    /// The cluster that `args` choose. `namespace` is the one to work in unless they name another.
    ///
    /// # Errors
    /// When there is no configuration of a cluster.
    pub(super) async fn connect(
        args: &ClusterArgs,
        namespace: Option<String>,
    ) -> Result<Self, Error> {
        let mut config = load_config(args).await.map_err(Error::NoCluster)?;
        // Whoever waits at a terminal would rather know.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        let chosen = args.namespace.clone().or(namespace);
        let namespace = chosen.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| Error::NoCluster(error.into()))?;
        Ok(Self { client, namespace })
    }

    /// Objects of a kind in the namespace.
    fn namespaced_api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The same, whatever their kind.
    pub(super) fn dynamic_api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, resource)
    }

    /// The Architecture of this name and what runs of it; none if it is not there.
    ///
    /// # Errors
    /// When the cluster does not answer or refuses.
    pub(super) async fn find_architecture(
        &self,
        name: &str,
    ) -> Result<Option<LiveArchitecture>, Error> {
        let found = self.namespaced_api::<Architecture>().get_opt(name).await;
        let found =
            found.map_err(|source| self.read_error(&format!("Architecture {name}"), source))?;
        let Some(architecture) = found else { return Ok(None) };
        let uid = architecture.metadata.uid.clone().unwrap_or_default();
        let named = name.parse();
        let named = named.map_err(|source| Error::Name { name: name.to_owned(), source })?;
        let identity = Identity { name: named, namespace: self.namespace.clone(), uid };
        let snapshot = self.take_snapshot(&identity).await?;
        let running = observe::running_topology(&identity, &snapshot);
        let claims = snapshot.claims.iter().filter_map(|claim| claim_size(claim));
        let claims = claims.collect();
        let valid = architecture.spec.validate(name).ok();
        let specified = valid.and_then(|spec| plan(&spec, identity).ok());
        Ok(Some(LiveArchitecture { architecture, desired: specified, running, claims }))
    }

    /// The same; it must be there.
    ///
    /// # Errors
    /// Also when it is not.
    pub(super) async fn get_architecture(&self, name: &str) -> Result<LiveArchitecture, Error> {
        self.find_architecture(name).await?.ok_or_else(|| self.not_found_error(name))
    }

    /// The error that says that it is not there.
    pub(super) fn not_found_error(&self, name: &str) -> Error {
        Error::NotFound { name: name.to_owned(), namespace: self.namespace.clone() }
    }

    /// The objects that the operator would look at, but for what pods report.
    async fn take_snapshot(&self, identity: &Identity) -> Result<Snapshot, Error> {
        Ok(Snapshot {
            config_maps: retain_owned(
                self.list_labeled(identity, "ConfigMaps").await?,
                &identity.uid,
            ),
            services: retain_owned(self.list_labeled(identity, "Services").await?, &identity.uid),
            deployments: retain_owned(
                self.list_labeled(identity, "Deployments").await?,
                &identity.uid,
            ),
            stateful_sets: retain_owned(
                self.list_labeled(identity, "StatefulSets").await?,
                &identity.uid,
            ),
            pods: self.list_labeled(identity, "Pods").await?,
            claims: self.list_labeled(identity, "PersistentVolumeClaims").await?,
            reports: [].into(),
        })
    }

    async fn list_labeled<K>(&self, identity: &Identity, what: &str) -> Result<Vec<Arc<K>>, Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + Debug,
    {
        let labels = format!("{LABEL_ARCHITECTURE}={}", identity.name);
        let params = ListParams::default().labels(&labels);
        let list = self.namespaced_api::<K>().list(&params).await;
        let list = list.map_err(|source| self.read_error(what, source))?;
        Ok(list.items.into_iter().map(Arc::new).collect())
    }

    /// The error that says that `what` cannot be read.
    pub(super) fn read_error(&self, what: &str, source: kube::Error) -> Error {
        let namespace = self.namespace.clone();
        Error::Read { what: what.to_owned(), namespace, source: Box::new(source) }
    }
}

async fn load_config(
    args: &ClusterArgs,
) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
    let options = KubeConfigOptions { context: args.context.clone(), ..Default::default() };
    Ok(match (&args.kubeconfig, &args.context) {
        (Some(file), _) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await?,
        (None, None) => Config::infer().await?,
    })
}

/// The claim's name and its size.
fn claim_size(claim: &PersistentVolumeClaim) -> Option<(String, String)> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    Some((claim.metadata.name.clone()?, requests.get("storage")?.0.clone()))
}

/// Those whose controller has this UID: an object may look like one of ours and be somebody else's.
fn retain_owned<K: Metadata<Ty = ObjectMeta>>(mut objects: Vec<Arc<K>>, uid: &str) -> Vec<Arc<K>> {
    objects.retain(|object| is_controlled_by(object.metadata(), uid));
    objects
}
