//! The HorizontalPodAutoscalers of a namespace.

use super::{CauseSource, try_read};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, ResourceExt, api::ListParams};

/// A HorizontalPodAutoscaler and what it scales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) struct Autoscaler {
    pub(in crate::reconcile) name: String,
    /// `Deployment` or `StatefulSet`.
    pub(in crate::reconcile) kind: String,
    /// The name of the object that it scales.
    pub(in crate::reconcile) target: String,
}

/// Whether an object has an autoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum AutoscalerAnswer {
    Found(Autoscaler),
    Absent,
    /// The API server did not answer, or failed.
    Unknown,
}

/// Those that scale a Deployment or a StatefulSet; none without an answer. Where the operator may
/// not list them, or the API server has no such kind, there are none.
pub(super) async fn list(source: &CauseSource) -> Option<Vec<Autoscaler>> {
    let api: Api<HorizontalPodAutoscaler> =
        Api::namespaced(source.client.clone(), &source.namespace);
    let list = async {
        match api.list(&ListParams::default()).await {
            Ok(list) => Ok(list.items),
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => Ok(vec![]),
            Err(error) => Err(error),
        }
    };
    let found = try_read("HorizontalPodAutoscalers", list).await?;
    Some(found.into_iter().filter_map(to_autoscaler).collect())
}

fn to_autoscaler(object: HorizontalPodAutoscaler) -> Option<Autoscaler> {
    let name = object.name_any();
    let target = object.spec?.scale_target_ref;
    let group = target.api_version.as_deref().and_then(|version| version.split('/').next());
    let is_workload = group == Some("apps")
        && matches!(target.kind.as_str(), "Deployment" | "StatefulSet")
        && object.metadata.deletion_timestamp.is_none();
    is_workload.then_some(Autoscaler { name, kind: target.kind, target: target.name })
}
