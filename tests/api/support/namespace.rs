//! A namespace for one test, and the objects in it.

use super::{
    ARCHITECTURE, AnyObject, CHILD_KINDS, ControlPlane, api_of, api_of_child,
    control_plane::{OPERATOR_NAMESPACE, control_plane},
    eventually, soon,
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        core::v1::{Namespace, Pod, PodCondition, PodStatus, ServiceAccount},
        rbac::v1::{ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time},
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use maquette::api::Architecture;
use maquette_contract::keys::LABEL_ARCHITECTURE;
use std::{collections::BTreeMap, path::Path, time::Duration};

/// The namespace of one test.
pub(crate) struct TestNamespace {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl TestNamespace {
    /// A new namespace.
    pub(crate) async fn new(name: &str) -> Self {
        Self::on(control_plane(), name).await
    }

    /// A new namespace of another control plane.
    pub(crate) async fn on(plane: &ControlPlane, name: &str) -> Self {
        let client = plane.client().await;
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let api: Api<Namespace> = Api::all(client.clone());
        api.create(&PostParams::default(), &namespace).await.expect("a namespace");
        Self { client, name: name.to_owned() }
    }

    /// The objects of a kind.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Applies an Architecture with this `spec`, in YAML.
    pub(crate) async fn apply(&self, name: &str, spec: &str) -> AnyObject {
        let text = format!(
            "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: {name}}}, \
             spec: {spec}}}"
        );
        let object: AnyObject = serde_norway::from_str(&text).expect("YAML");
        let params = PatchParams::apply("tests").force();
        let made = api_of(self, ARCHITECTURE).patch(name, &params, &Patch::Apply(&object)).await;
        made.expect("an Architecture")
    }

    /// Deletes an Architecture.
    pub(crate) async fn delete(&self, name: &str) {
        let api = self.api::<Architecture>();
        api.delete(name, &DeleteParams::default()).await.expect("deleted");
    }

    /// Every child of an Architecture, by kind and name.
    pub(crate) async fn children(&self, of: &str) -> BTreeMap<String, AnyObject> {
        let mut children = BTreeMap::new();
        let ours = ListParams::default().labels(&format!("{LABEL_ARCHITECTURE}={of}"));
        for kind in CHILD_KINDS {
            let list = api_of(self, kind).list(&ours).await;
            for child in list.expect("a list") {
                children.insert(format!("{} {}", kind.2, child.name_any()), child);
            }
        }
        children
    }

    /// Deletes a child and waits until it is created again; returns the new one.
    pub(crate) async fn delete_and_await_child(&self, key: &str, child: &AnyObject) -> AnyObject {
        let (api, name) = api_of_child(self, key);
        api.delete(name, &DeleteParams::background()).await.expect("deleted");
        eventually(&format!("{key} is created again"), soon(), async || {
            let found = api.get_opt(name).await.map_err(|error| error.to_string())?;
            let found = found.ok_or("it is gone")?;
            if found.uid() == child.uid() { Err("it is going".to_owned()) } else { Ok(found) }
        })
        .await
    }

    /// Waits until a condition of an Architecture is about the newest generation and is `wanted`.
    pub(crate) async fn await_condition(
        &self,
        of: &str,
        type_: &str,
        within: Duration,
        wanted: impl Fn(&Condition) -> bool,
    ) -> Condition {
        let api = api_of(self, ARCHITECTURE);
        eventually(&format!("{type_} of {of}"), within, async || {
            let found = api.get(of).await.map_err(|error| error.to_string())?;
            let generation = found.metadata.generation;
            let conditions = found.data.pointer("/status/conditions").cloned().unwrap_or_default();
            let conditions: Option<Vec<Condition>> =
                serde_json::from_value(conditions).expect("conditions");
            let mut conditions = conditions.into_iter().flatten();
            let condition = conditions.find(|condition| condition.type_ == type_);
            let condition = condition.ok_or_else(|| "not there".to_owned())?;
            let current = condition.observed_generation == generation;
            let observed = format!("{condition:?}");
            if current && wanted(&condition) { Ok(condition) } else { Err(observed) }
        })
        .await
    }

    /// Waits until an Architecture is ready, as its newest generation.
    pub(crate) async fn await_ready(&self, of: &str) -> Condition {
        self.await_condition(of, "Ready", soon(), |ready| ready.status == "True").await
    }

    /// Waits until an Architecture has all its children and the status shows it.
    pub(crate) async fn await_children(&self, of: &str) -> Architecture {
        self.await_condition(of, "Ready", soon(), |ready| ready.reason == "ComponentsNotReady")
            .await;
        let api = self.api::<Architecture>();
        eventually("every component is created", soon(), async || {
            let found = api.get(of).await.map_err(|error| error.to_string())?;
            let components =
                found.status.clone().map(|status| status.components).unwrap_or_default();
            // Without a kubelet, a scheduler and a provisioner, pods do not start.
            let reasons = ["pods are ready", "is not scheduled", "StorageClass"];
            let missing = components.iter().find(|component| {
                component
                    .message
                    .as_deref()
                    .is_none_or(|message| !reasons.iter().any(|reason| message.contains(reason)))
            });
            missing.map_or(Ok(found), |component| Err(format!("{component:?}")))
        })
        .await
    }
}

impl TestNamespace {
    /// Sets a condition of a pod, as the scheduler or the kubelet did ten minutes ago, once the pod
    /// exists.
    pub(crate) async fn set_pod_condition(&self, pod: &str, type_: &str, status: &str, why: &str) {
        let condition = PodCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            message: Some(why.to_owned()),
            last_transition_time: Some(Time(Timestamp::now() - SignedDuration::from_mins(10))),
            ..PodCondition::default()
        };
        let status = PodStatus { conditions: Some(vec![condition]), ..PodStatus::default() };
        let patch = Patch::Strategic(Pod { status: Some(status), ..Pod::default() });
        let api = self.api::<Pod>();
        eventually(&format!("{pod} exists"), soon(), async || {
            api.get_metadata(pod).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        api.patch_status(pod, &PatchParams::default(), &patch).await.expect("patched");
    }

    /// Creates a ServiceAccount with the operator's permissions in this namespace only, and writes
    /// its kubeconfig.
    pub(crate) async fn grant_operator(&self, kubeconfig: &Path) {
        self.add_account(kubeconfig).await;
        self.bind_operator(&self.name).await;
    }

    /// Creates a ServiceAccount without permissions, and writes its kubeconfig.
    pub(crate) async fn add_account(&self, kubeconfig: &Path) {
        let name = "operator";
        let params = PostParams::default();
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let account = ServiceAccount { metadata, ..ServiceAccount::default() };
        self.api::<ServiceAccount>().create(&params, &account).await.expect("an account");
        control_plane().write_kubeconfig(&self.client, (&self.name, name), kubeconfig).await;
    }

    /// Gives the operator's permissions in this namespace to the account of
    /// [`Self::grant_operator`] in `accounts`.
    pub(crate) async fn bind_operator(&self, accounts: &str) {
        let all: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        let all = all.get("maquette").await.expect("a binding");
        self.bind_role("all", all.role_ref, accounts).await;
    }

    /// Gives these permissions only.
    pub(crate) async fn bind_rules(&self, rules: Vec<PolicyRule>, accounts: &str) {
        let name = "some";
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let role = Role { metadata, rules: Some(rules) };
        let made = self.api::<Role>().create(&PostParams::default(), &role).await;
        made.expect("a role");
        let role_ref = RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: name.to_owned(),
        };
        self.bind_role(name, role_ref, accounts).await;
    }

    async fn bind_role(&self, name: &str, role_ref: RoleRef, accounts: &str) {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let subject = Subject {
            kind: "ServiceAccount".to_owned(),
            name: "operator".to_owned(),
            namespace: Some(accounts.to_owned()),
            ..Subject::default()
        };
        let binding = RoleBinding { metadata, role_ref, subjects: Some(vec![subject]) };
        let api = self.api::<RoleBinding>();
        api.create(&PostParams::default(), &binding).await.expect("a binding");
    }

    /// Lets the operator keep its Lease in this namespace instead of its own.
    pub(crate) async fn grant_lease(&self) {
        self.grant_lease_named("maquette").await;
    }

    /// The same for a Lease of another name, as for another release of the chart.
    pub(crate) async fn grant_lease_named(&self, name: &str) {
        let client = self.client.clone();
        let own: Api<Role> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
        let mut role = own.get("maquette").await.expect("a role");
        let bindings: Api<RoleBinding> = Api::namespaced(client, OPERATOR_NAMESPACE);
        let mut binding = bindings.get("maquette").await.expect("a binding");
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        role.metadata = metadata.clone();
        for rule in role.rules.iter_mut().flatten().filter(|rule| rule.resource_names.is_some()) {
            rule.resource_names = Some(vec![name.to_owned()]);
        }
        binding.metadata = metadata;
        binding.role_ref.name = name.to_owned();
        let params = PostParams::default();
        self.api::<Role>().create(&params, &role).await.expect("a role");
        self.api::<RoleBinding>().create(&params, &binding).await.expect("a binding");
    }
}
