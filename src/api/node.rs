//! Settings common to the nodes that answer requests: pods, resources and the work of a request.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;
use maquette_contract::{ProcessingTime, Work};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;
use super::problem::{At, Findings, json};
use super::quantity;
use super::resources::{Resources, ValidResources};

/// Settings of a node that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeSettings {
    /// How many pods the node has.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// What each of its pods asks for and may use at most. Whatever is not said has a small default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How long the node computes for each request, besides its calls and queries. Without it, no
    /// longer than it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<Quantiles>,
    /// The least size of an answer, such as `2Ki`: smaller ones are padded. At most `1Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = quantity::MAX_LENGTH))]
    pub response_size: Option<RawQuantity>,
}

fn one() -> i32 {
    1
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self { replicas: one(), resources: None, processing_time: None, response_size: None }
    }
}

/// Quantiles of a time. Each is a duration such as `150ms` or `1s500ms`, at most `30s`, and none is
/// less than the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quantiles {
    /// Half of all requests take no longer.
    #[schemars(length(max = 24))]
    pub p50: String,
    /// Nine in ten requests take no longer. As `p50` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    pub p90: Option<String>,
    /// 99 in 100 requests take no longer. As `p90` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    pub p99: Option<String>,
}

/// Validated [`NodeSettings`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidNode {
    pub(crate) replicas: u32,
    pub(crate) resources: ValidResources,
    pub(crate) work: Work,
}

impl NodeSettings {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidNode> {
        let replicas = within(self.replicas, 1, 50, &at.field("replicas"), findings);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&at.field("resources"), findings));
        let size = self.response_size.as_ref();
        let size =
            size.and_then(|raw| quantity::validate(raw, &at.field("responseSize"), findings));
        let time = self.processing_time.as_ref();
        let time = time.and_then(|time| time.validate(&at.field("processingTime"), findings));
        Some(ValidNode {
            replicas: replicas?,
            resources: resources.unwrap_or_default(),
            work: Work {
                processing_time: time,
                response_bytes: size.map_or(0, |size| size.ceil()),
            },
        })
    }
}

impl Quantiles {
    fn validate(&self, at: &At, findings: &mut Findings) -> Option<ProcessingTime> {
        let mut micros = |field, text: &String| {
            let micros = duration::micros(text);
            if micros.is_none() {
                findings.add(&at.field(field), json(text), "is not a duration");
            }
            micros
        };
        let p50_micros = micros("p50", &self.p50)?;
        let p90_micros = self.p90.as_ref().map_or(Some(p50_micros), |text| micros("p90", text))?;
        let p99_micros = self.p99.as_ref().map_or(Some(p90_micros), |text| micros("p99", text))?;
        Some(ProcessingTime { p50_micros, p90_micros, p99_micros })
    }
}

/// The number at `at`, which the schema bounds too.
pub(crate) fn within(
    value: i32,
    least: i32,
    most: i32,
    at: &At,
    findings: &mut Findings,
) -> Option<u32> {
    if (least..=most).contains(&value) {
        return u32::try_from(value).ok();
    }
    findings.add(at, json(&value), format!("must be from {least} to {most}"));
    None
}
