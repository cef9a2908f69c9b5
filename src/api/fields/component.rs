//! Settings that all components which answer requests share: replicas, resources and the work of a
//! request.

use maquette_contract::{ProcessingTime, RequestWork};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DURATION_PATTERN};
use super::quantity::{self, Quantity};
use super::resources::{Resources, ValidResources};
use crate::api::validation::{CelRule, ErrorList, FieldPath, bounds, schema_rules, to_json};

const MAX_RESPONSE_BYTES: u64 = 1 << 20;
const MAX_PROCESSING_MICROS: u64 = 30_000_000;

/// The rule on `responseSize`.
pub(crate) fn response_size_rule() -> CelRule {
    CelRule::new(
        format!(
            "self.matches('{}') && !self.matches('[num]$') \
             && !quantity(self).isGreaterThan(quantity('1Mi'))",
            quantity::PATTERN,
        ),
        "'{}' is not a size of at most 1Mi: write a number of bytes, such as 512, 2Ki or 1Mi",
    )
    .with_arguments(["self"])
}

/// In CEL: `value` has the syntax of a duration.
fn is_duration(value: &str) -> String {
    format!("{value}.matches('{DURATION_PATTERN}')")
}

fn duration_rule() -> CelRule {
    CelRule::new(
        format!("{} && duration(self) <= duration('30s')", is_duration("self")),
        "'{}' is not a duration of at most 30s: write whole numbers with the units h, m, s and ms, \
         such as 150ms or 1s500ms",
    )
    .with_arguments(["self"])
}

/// The rule that quantile `high` is at least quantile `low`. `presence`, in CEL, is true where the
/// rule does not apply; neither does it where one of the two is not a duration.
fn order_rule(presence: &str, low: &str, high: &str, message: &'static str) -> CelRule {
    let (low_is_duration, high_is_duration) =
        (is_duration(&format!("self.{low}")), is_duration(&format!("self.{high}")));
    CelRule::new(
        format!(
            "{presence} || !{low_is_duration} || !{high_is_duration} \
             || duration(self.{low}) <= duration(self.{high})"
        ),
        message,
    )
    .with_arguments([format!("self.{high}"), format!("self.{low}")])
    .at_field(high)
}

fn p90_above_p50() -> CelRule {
    let message = "p90 ({}) is less than p50 ({}): increase p90 or lower p50";
    order_rule("!has(self.p90)", "p50", "p90", message)
}

fn p99_above_p90() -> CelRule {
    let message = "p99 ({}) is less than p90 ({}): increase p99 or lower p90";
    order_rule("!has(self.p99) || !has(self.p90)", "p90", "p99", message)
}

/// For a spec without `p90`.
fn p99_above_p50() -> CelRule {
    let message = "p99 ({}) is less than p50 ({}): increase p99 or lower p50";
    order_rule("!has(self.p99) || has(self.p90)", "p50", "p99", message)
}

/// Settings of a component that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSettings {
    /// The number of pods of the component.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// Resource requests and limits of each pod. What is not set: requests of 10m CPU and 16Mi of
    /// memory, limits of 1 CPU and 128Mi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The simulated computing time of each request, in addition to calls and queries. If it is not
    /// set, the component answers as fast as it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<Quantiles>,
    /// The minimum size of a response, such as `2Ki`: smaller responses are padded. At most `1Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "maxLength" = quantity::MAX_LENGTH,
        "x-kubernetes-validations" = schema_rules([response_size_rule()]),
    ))]
    pub response_size: Option<String>,
}

fn default_replicas() -> i32 {
    1
}

impl Default for ComponentSettings {
    fn default() -> Self {
        Self {
            replicas: default_replicas(),
            resources: None,
            processing_time: None,
            response_size: None,
        }
    }
}

/// Quantiles of a time. Each is a duration such as `150ms` or `1s500ms`, at most `30s`. A higher
/// quantile must not be less than a lower one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" =
    schema_rules([p90_above_p50(), p99_above_p90(), p99_above_p50()])))]
pub struct Quantiles {
    /// 50 percent of the requests take at most this time.
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([duration_rule()])))]
    pub p50: String,
    /// 90 percent of the requests take at most this time. If it is not set: `p50`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([duration_rule()])))]
    pub p90: Option<String>,
    /// 99 percent of the requests take at most this time. If it is not set: `p90`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([duration_rule()])))]
    pub p99: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidComponent {
    pub(crate) replicas: u32,
    pub(crate) resources: ValidResources,
    pub(crate) work: RequestWork,
}

impl ComponentSettings {
    pub(crate) fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidComponent> {
        let replicas = bounds::check_range(self.replicas, 1, 50, &path.field("replicas"), errors);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&path.field("resources"), errors));
        let response_bytes = self.validate_response_size(&path.field("responseSize"), errors);
        let processing_time = self
            .processing_time
            .as_ref()
            .and_then(|time| time.validate(&path.field("processingTime"), errors));
        Some(ValidComponent {
            replicas: replicas?,
            resources: resources.unwrap_or_default(),
            work: RequestWork { processing_time, response_bytes },
        })
    }

    fn validate_response_size(&self, path: &FieldPath, errors: &mut ErrorList) -> u64 {
        let Some(text) = &self.response_size else { return 0 };
        // `500m` is half a byte.
        let is_fraction = text.ends_with(['n', 'u', 'm']);
        let size = text.parse().ok().filter(|_| !is_fraction).map(|size: Quantity| size.ceil());
        size.filter(|bytes| *bytes <= MAX_RESPONSE_BYTES).unwrap_or_else(|| {
            response_size_rule().report_value(path, to_json(text), &[text], errors);
            0
        })
    }
}

impl Quantiles {
    fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ProcessingTime> {
        let p50 = validate_duration(&self.p50, &path.field("p50"), errors);
        let p90 = match &self.p90 {
            Some(text) => validate_duration(text, &path.field("p90"), errors),
            None => p50,
        };
        let p99 = match &self.p99 {
            Some(text) => validate_duration(text, &path.field("p99"), errors),
            None => p90,
        };
        let (p50_micros, p90_micros, p99_micros) = (p50?, p90?, p99?);
        match (&self.p90, &self.p99) {
            (Some(p90), _) if p90_micros < p50_micros => {
                p90_above_p50().report(path, &[p90, &self.p50], errors);
            }
            (Some(p90), Some(p99)) if p99_micros < p90_micros => {
                p99_above_p90().report(path, &[p99, p90], errors);
            }
            (None, Some(p99)) if p99_micros < p50_micros => {
                p99_above_p50().report(path, &[p99, &self.p50], errors);
            }
            _ => {}
        }
        Some(ProcessingTime { p50_micros, p90_micros, p99_micros })
    }
}

/// The duration in microseconds.
fn validate_duration(text: &String, path: &FieldPath, errors: &mut ErrorList) -> Option<u64> {
    let micros = duration::parse_micros(text).filter(|micros| *micros <= MAX_PROCESSING_MICROS);
    if micros.is_none() {
        duration_rule().report_value(path, to_json(text), &[text], errors);
    }
    micros
}
