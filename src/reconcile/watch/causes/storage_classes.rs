//! The names of the cluster's StorageClasses.

use super::{CauseSource, try_read};
use crate::observe::StorageClassNames;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::{Api, ResourceExt, api::ListParams};

/// Kubernetes' annotation of the default StorageClass.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// None without permission: an operator of a few namespaces may have no right to it.
pub(super) async fn list_names(source: &CauseSource) -> Option<StorageClassNames> {
    let api: Api<StorageClass> = Api::all(source.client.clone());
    let classes = try_read("StorageClasses", api.list(&ListParams::default())).await?;
    let mut defaults: Vec<_> = classes.items.iter().filter(|class| is_default(class)).collect();
    // Of several, the newest counts.
    defaults.sort_by_key(|class| class.creation_timestamp().map(|time| time.0));
    let default = defaults.last().map(|class| class.name_any());
    let mut names: Vec<_> = classes.items.iter().map(ResourceExt::name_any).collect();
    names.sort();
    Some(StorageClassNames { names, default })
}

fn is_default(class: &StorageClass) -> bool {
    class.annotations().get(DEFAULT_CLASS).is_some_and(|value| value == "true")
}
