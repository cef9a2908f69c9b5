//! The HorizontalPodAutoscalers of a namespace.

use super::{CauseSource, KEPT_FOR, Reading, SET_GRACE, try_read};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, ResourceExt, api::ListParams};
use std::time::Instant;

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

/// What was read of the autoscalers of one Architecture. A change of replicas rests on it, so a
/// reconcile waits for the list.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct AutoscalerReadings {
    pub(super) last: Option<Reading<Vec<Autoscaler>>>,
    /// When the last list failed, if it did.
    failed_at: Option<Instant>,
}

impl AutoscalerReadings {
    /// The autoscaler of an object, if it has one. What was read counts for long only if it has.
    pub(in crate::reconcile) async fn autoscaler_of(
        &mut self,
        source: &CauseSource,
        kind: &str,
        name: &str,
    ) -> AutoscalerAnswer {
        let known = self.last.as_ref().and_then(|all| find_scaler(&all.value, kind, name));
        let kept_for = if known.is_some() { KEPT_FOR } else { SET_GRACE };
        let is_fresh = self.last.as_ref().is_some_and(|reading| reading.at.elapsed() < kept_for);
        if is_fresh {
            return known.map_or(AutoscalerAnswer::Absent, AutoscalerAnswer::Found);
        }
        // The other components of a reconcile do not wait for the same failure.
        let has_failed = self.failed_at.is_some_and(|at| at.elapsed() < SET_GRACE);
        let read = if has_failed { None } else { list(source).await };
        let Some(read) = read else {
            if !has_failed {
                self.failed_at = Some(Instant::now());
            }
            // What was known counts: a repair would delete pods.
            return known.map_or(AutoscalerAnswer::Unknown, AutoscalerAnswer::Found);
        };
        self.failed_at = None;
        let found = find_scaler(&read, kind, name);
        self.last = Some(Reading::after(None, read));
        found.map_or(AutoscalerAnswer::Absent, AutoscalerAnswer::Found)
    }

    /// Whether an autoscaler of the object was read last time.
    pub(in crate::reconcile) fn had_autoscaler(&self, kind: &str, name: &str) -> bool {
        let reading = self.last.as_ref();
        reading.is_some_and(|reading| find_scaler(&reading.value, kind, name).is_some())
    }
}

fn find_scaler(all: &[Autoscaler], kind: &str, name: &str) -> Option<Autoscaler> {
    all.iter().find(|one| one.kind == kind && one.target == name).cloned()
}

/// Those that scale a Deployment or a StatefulSet; none without an answer. Where the operator may
/// not list them, or the API server has no such kind, there are none.
async fn list(source: &CauseSource) -> Option<Vec<Autoscaler>> {
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
