//! Reads Architectures and their objects from a cluster. It never changes anything there.

use crate::{
    api::Architecture,
    observe::{self, Causes, RunningTopology, Snapshot, is_controlled_by},
    plan::{Behavior, Component, Identity, Topology, plan},
};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use k8s_openapi::{
    Metadata, NamespaceResourceScope,
    api::{
        core::v1::{Namespace, PersistentVolumeClaim},
        storage::v1::StorageClass,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use maquette_contract::{
    ComponentName,
    keys::{LABEL_ARCHITECTURE, LABEL_COMPONENT},
};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

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

/// One namespace of a cluster.
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
}

/// An Architecture in a cluster and its objects.
pub(super) struct LiveArchitecture {
    pub(super) architecture: Architecture,
    /// The plan for its specification; none if that is not valid.
    pub(super) desired: Option<Topology>,
    pub(super) running: RunningTopology,
    /// The requested size of each PersistentVolumeClaim, by name.
    pub(super) claims: BTreeMap<String, String>,
    /// The names of the components of which a claim has a volume.
    with_volume: BTreeSet<String>,
}

impl Cluster {
    /// Connects to the cluster that `args` choose. The namespace is that of `args`, or else
    /// `namespace`, or else that of the context.
    ///
    /// # Errors
    /// When no cluster is configured.
    pub(super) async fn connect(
        args: &ClusterArgs,
        namespace: Option<String>,
    ) -> anyhow::Result<Self> {
        const NO_CLUSTER: &str =
            "no cluster is configured: set KUBECONFIG, or give --kubeconfig or --context";
        let mut config = load_config(args).await.context(NO_CLUSTER)?;
        // A person waits at a terminal: an error now is better than hidden retries.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        let namespace = args
            .namespace
            .clone()
            .or(namespace)
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).context(NO_CLUSTER)?;
        Ok(Self { client, namespace })
    }

    fn namespaced_api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Reads and watches objects as they are written, without parsing them.
    pub(super) fn dynamic_api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, resource)
    }

    /// The Architecture of this name and its objects; none if there is no such Architecture.
    ///
    /// # Errors
    /// When the cluster does not answer or refuses.
    pub(super) async fn find_architecture(
        &self,
        name: &str,
    ) -> anyhow::Result<Option<LiveArchitecture>> {
        let answer = self.namespaced_api::<Architecture>().get_opt(name).await;
        let Some(architecture) =
            answer.with_context(|| self.cannot_read(&format!("Architecture {name}")))?
        else {
            return Ok(None);
        };
        let identity = Identity {
            name: name.parse().with_context(|| {
                format!("Architecture {name}: the name cannot be a part of its objects' names")
            })?,
            namespace: self.namespace.clone(),
            uid: architecture.metadata.uid.clone().unwrap_or_default(),
        };
        let snapshot = self.take_snapshot(&identity).await?;
        let running = observe::running_topology(&identity, &snapshot);
        if let Some(problem) = running.unreadable_settings().first() {
            bail!(
                "this version of Maquette cannot read {problem}: use the version of the operator"
            );
        }
        let claims = snapshot.claims.iter().filter_map(|claim| claim_size(claim)).collect();
        let valid = architecture.spec.validate(name).ok();
        let desired = valid.and_then(|spec| plan(&spec, identity).ok());
        let with_volume = components_with_volume(&snapshot.claims);
        Ok(Some(LiveArchitecture { architecture, desired, running, claims, with_volume }))
    }

    /// As [`Cluster::find_architecture`].
    ///
    /// # Errors
    /// Also when there is no such Architecture.
    pub(super) async fn get_architecture(&self, name: &str) -> anyhow::Result<LiveArchitecture> {
        self.find_architecture(name).await?.ok_or_else(|| self.not_found_error(name))
    }

    pub(super) fn not_found_error(&self, name: &str) -> anyhow::Error {
        anyhow!(
            "no Architecture {name} in namespace {}: `kubectl get architectures --all-namespaces` \
             lists those that exist",
            self.namespace
        )
    }

    /// That the namespace does not exist, with the fix. One that the user may not read counts as
    /// present.
    pub(super) async fn missing_namespace(&self) -> Option<String> {
        let name = &self.namespace;
        let answer = Api::<Namespace>::all(self.client.clone()).get_opt(name).await;
        matches!(answer, Ok(None))
            .then(|| format!("namespace {name} does not exist: kubectl create namespace {name}"))
    }

    /// The StorageClasses that `wanted` names for volumes that do not exist yet and that have no
    /// object in the cluster, one line each. Classes that the user may not list count as present.
    pub(super) async fn missing_classes(
        &self,
        wanted: &Topology,
        live: Option<&LiveArchitecture>,
    ) -> Vec<String> {
        let none = BTreeSet::new();
        let named = classes_to_bind(wanted, live.map_or(&none, |live| &live.with_volume));
        if named.is_empty() {
            return vec![];
        }
        let classes = Api::<StorageClass>::all(self.client.clone());
        let Ok(classes) = classes.list(&ListParams::default()).await else { return vec![] };
        let existing: Vec<_> = classes.iter().map(ResourceExt::name_any).collect();
        missing_class_notes(&named, &existing)
    }

    /// The objects that the operator would read, without the reports of pods.
    async fn take_snapshot(&self, identity: &Identity) -> anyhow::Result<Snapshot> {
        let uid = &identity.uid;
        Ok(Snapshot {
            config_maps: retain_owned(self.list_labeled(identity, "ConfigMaps").await?, uid),
            services: retain_owned(self.list_labeled(identity, "Services").await?, uid),
            deployments: retain_owned(self.list_labeled(identity, "Deployments").await?, uid),
            stateful_sets: retain_owned(self.list_labeled(identity, "StatefulSets").await?, uid),
            pods: self.list_labeled(identity, "Pods").await?,
            claims: self.list_labeled(identity, "PersistentVolumeClaims").await?,
            reports: [].into(),
            causes: Causes::default(),
            is_first_poll: false,
        })
    }

    async fn list_labeled<K>(&self, identity: &Identity, kinds: &str) -> anyhow::Result<Vec<Arc<K>>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + Debug,
    {
        let labels = format!("{LABEL_ARCHITECTURE}={}", identity.name);
        let params = ListParams::default().labels(&labels);
        let answer = self.namespaced_api::<K>().list(&params).await;
        let list = answer.with_context(|| self.cannot_read(kinds))?;
        Ok(list.items.into_iter().map(Arc::new).collect())
    }

    /// The context of an error that the API server gave when `what` was read.
    pub(super) fn cannot_read(&self, what: &str) -> String {
        format!("cannot read {what} in namespace {}", self.namespace)
    }
}

async fn load_config(args: &ClusterArgs) -> anyhow::Result<Config> {
    let options = KubeConfigOptions { context: args.context.clone(), ..Default::default() };
    Ok(match (&args.kubeconfig, &args.context) {
        (Some(file), _) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await?,
        (None, None) => Config::infer().await?,
    })
}

/// The StorageClass that the component's volumes name.
fn storage_class(component: &Component) -> Option<&str> {
    let volume = match &component.behavior {
        Behavior::Store(store) => &store.storage,
        Behavior::Peer(peer) => &peer.storage,
        Behavior::Service(_) | Behavior::Load(_) => return None,
    };
    volume.storage_class.as_deref().filter(|class| !class.is_empty())
}

/// The components of which a claim has a volume.
fn components_with_volume(claims: &[Arc<PersistentVolumeClaim>]) -> BTreeSet<String> {
    let bound = claims.iter().filter(|claim| observe::has_volume(claim));
    bound.filter_map(|claim| claim.labels().get(LABEL_COMPONENT).cloned()).collect()
}

/// The StorageClass of each component without a volume that names one.
fn classes_to_bind<'a>(
    wanted: &'a Topology,
    with_volume: &BTreeSet<String>,
) -> Vec<(&'a ComponentName, &'a str)> {
    let unbound = wanted.components().filter(|one| !with_volume.contains(one.name.as_str()));
    unbound.filter_map(|component| Some((&component.name, storage_class(component)?))).collect()
}

/// A class without an object is legal: volumes that are made by hand may name it.
fn missing_class_notes(named: &[(&ComponentName, &str)], existing: &[String]) -> Vec<String> {
    let missing = named.iter().filter(|(_, class)| !existing.iter().any(|found| found == class));
    let existing = match existing {
        [] => "the cluster has none".to_owned(),
        existing => format!("the cluster has {}", existing.join(", ")),
    };
    missing
        .map(|(component, class)| {
            format!(
                "{component}: StorageClass {class} does not exist; {existing}: its claims get only \
                 volumes that are made by hand"
            )
        })
        .collect()
}

/// The claim's name and its requested size.
fn claim_size(claim: &PersistentVolumeClaim) -> Option<(String, String)> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    Some((claim.metadata.name.clone()?, requests.get("storage")?.0.clone()))
}

/// The objects whose controller has this UID. Labels are not enough: objects that are not ours may
/// carry them.
fn retain_owned<K: Metadata<Ty = ObjectMeta>>(mut objects: Vec<Arc<K>>, uid: &str) -> Vec<Arc<K>> {
    objects.retain(|object| is_controlled_by(object.metadata(), uid));
    objects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology() -> Topology {
        let text = "{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {name: \
                    shop}, spec: {shape: ThreeTier, threeTier: {data: {storage: \
                    {storageClassName: manual}}}}}";
        let architecture: Architecture = serde_norway::from_str(text).unwrap();
        let identity = Identity {
            name: "shop".parse().unwrap(),
            namespace: String::new(),
            uid: String::new(),
        };
        plan(&architecture.spec.validate("shop").unwrap(), identity).unwrap()
    }

    fn noted(claim: &str) -> usize {
        let claim: PersistentVolumeClaim = serde_norway::from_str(claim).unwrap();
        let with_volume = components_with_volume(&[Arc::new(claim)]);
        let wanted = topology();
        missing_class_notes(&classes_to_bind(&wanted, &with_volume), &[]).len()
    }

    #[test]
    fn a_missing_class_is_noted_until_a_claim_has_a_volume() {
        let labels = "metadata: {name: data-shop-data-0, labels: {maquette.dev/component: data}}";
        assert_eq!(noted(&format!("{{{labels}}}")), 1);
        assert_eq!(noted(&format!("{{{labels}, status: {{phase: Pending}}}}")), 1);
        assert_eq!(noted(&format!("{{{labels}, status: {{phase: Bound}}}}")), 0);
        assert_eq!(noted(&format!("{{{labels}, spec: {{volumeName: by-hand}}}}")), 0);
    }
}
