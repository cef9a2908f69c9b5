//! A fake provisioner of a StorageClass: claims of a namespace get volumes, which grow when the
//! claims request more.

use super::TestNamespace;
use k8s_openapi::{
    api::{
        core::v1::{
            HostPathVolumeSource, ObjectReference, PersistentVolume,
            PersistentVolumeClaim as Claim, PersistentVolumeClaimStatus, PersistentVolumeSpec,
        },
        storage::v1::StorageClass,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::task::JoinSet;

/// Provisions until it is dropped.
pub(crate) struct FakeProvisioner {
    client: Client,
    /// The name of its StorageClass.
    pub(crate) class: String,
    _tasks: JoinSet<()>,
}

impl FakeProvisioner {
    /// A provisioner for the claims of a namespace that name the StorageClass
    /// `<namespace>-<class>`, which is made, and allows volumes to grow or not.
    pub(crate) async fn start(namespace: &TestNamespace, class: &str, expansion: bool) -> Self {
        let (client, class) = (namespace.client.clone(), format!("{}-{class}", namespace.name));
        let object = StorageClass {
            metadata: ObjectMeta { name: Some(class.clone()), ..ObjectMeta::default() },
            provisioner: "kubernetes.io/no-provisioner".to_owned(),
            allow_volume_expansion: Some(expansion),
            ..StorageClass::default()
        };
        let api: Api<StorageClass> = Api::all(client.clone());
        api.create(&PostParams::default(), &object).await.expect("a StorageClass");
        let mut tasks = JoinSet::new();
        tasks.spawn(provision(namespace.api(), Api::all(client.clone()), class.clone()));
        Self { client, class, _tasks: tasks }
    }

    /// Sets `allowVolumeExpansion`.
    pub(crate) async fn allow_expansion(&self) {
        let api: Api<StorageClass> = Api::all(self.client.clone());
        let mut class = api.get(&self.class).await.expect("there");
        class.allow_volume_expansion = Some(true);
        api.replace(&self.class, &PostParams::default(), &class).await.expect("replaced");
    }
}

async fn provision(claims: Api<Claim>, volumes: Api<PersistentVolume>, class: String) {
    loop {
        if let Ok(found) = claims.list(&ListParams::default()).await {
            let ours = |claim: &&Claim| {
                claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_ref())
                    == Some(&class)
            };
            for claim in found.iter().filter(ours) {
                match phase(claim) {
                    "Bound" => grow_claim(&claims, claim).await,
                    _ => create_volume(&volumes, claim).await,
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

fn phase(claim: &Claim) -> &str {
    let status = claim.status.as_ref();
    status.and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// The requested resources of a claim.
pub(crate) fn requested_size(claim: &Claim) -> BTreeMap<String, Quantity> {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.clone());
    resources.and_then(|resources| resources.requests).expect("a claim has requests")
}

async fn create_volume(volumes: &Api<PersistentVolume>, claim: &Claim) {
    let name = format!("volume-{}", claim.uid().expect("a UID"));
    let volume = PersistentVolume {
        metadata: ObjectMeta { name: Some(name), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            capacity: Some(requested_size(claim)),
            claim_ref: Some(ObjectReference {
                namespace: claim.namespace(),
                name: Some(claim.name_any()),
                uid: claim.uid(),
                ..ObjectReference::default()
            }),
            host_path: Some(HostPathVolumeSource { path: "/none".to_owned(), type_: None }),
            persistent_volume_reclaim_policy: Some("Retain".to_owned()),
            storage_class_name: claim.spec.as_ref().and_then(|s| s.storage_class_name.clone()),
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    };
    // It may exist already and not be bound yet.
    let _ = volumes.create(&PostParams::default(), &volume).await;
}

async fn grow_claim(claims: &Api<Claim>, claim: &Claim) {
    let capacity = claim.status.as_ref().and_then(|status| status.capacity.clone());
    if capacity.as_ref() == Some(&requested_size(claim)) {
        return;
    }
    let status = PersistentVolumeClaimStatus {
        capacity: Some(requested_size(claim)),
        ..PersistentVolumeClaimStatus::default()
    };
    let metadata = ObjectMeta { uid: claim.uid(), ..ObjectMeta::default() };
    let patch = Patch::Merge(Claim { metadata, spec: None, status: Some(status) });
    // The claim may be deleted already.
    let _ = claims.patch_status(&claim.name_any(), &PatchParams::default(), &patch).await;
}
