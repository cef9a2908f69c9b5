//! Settings common to the components that answer requests: pods, resources and the work of a request.

use maquette_contract::{ProcessingTime, RequestWork};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::duration;
use super::error_list::{At, Findings, to_json};
use super::quantity::{self, Quantity, pattern};
use super::resources::{Resources, ValidResources};
use super::rule::{self, Rule};

/// The most that `responseSize` may say, in bytes.
const MAX_RESPONSE_BYTES: u64 = 1 << 20;
/// The longest processing time, in microseconds.
const MAX_PROCESSING_MICROS: u64 = 30_000_000;

macro_rules! duration {
    ($value:literal) => {
        concat!($value, ".matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')")
    };
}

/// The least size of an answer.
pub(crate) const RESPONSE_SIZE: Rule = Rule {
    cel: concat!(
        "self.matches('",
        pattern!(),
        "') && !quantity(self).isGreaterThan(quantity('1Mi'))"
    ),
    message: "'{}' is not a size of at most 1Mi: write bytes such as 512, 2Ki or 1Mi",
    values: &["self"],
    blame: "",
};

const DURATION: Rule = Rule {
    cel: concat!(duration!("self"), " && duration(self) <= duration('30s')"),
    message: "'{}' is not a duration of at most 30s: write whole numbers of h, m, s and ms, such \
              as 150ms or 1s500ms",
    values: &["self"],
    blame: "",
};
const P90: Rule = Rule {
    cel: concat!(
        "!has(self.p90) || !",
        duration!("self.p50"),
        " || !",
        duration!("self.p90"),
        " || duration(self.p50) <= duration(self.p90)",
    ),
    message: "p90, {}, is less than p50, {}: nine in ten requests cannot all be faster than half \
              of them; raise p90",
    values: &["self.p90", "self.p50"],
    blame: "p90",
};
const P99: Rule = Rule {
    cel: concat!(
        "!has(self.p99) || !has(self.p90) || !",
        duration!("self.p90"),
        " || !",
        duration!("self.p99"),
        " || duration(self.p90) <= duration(self.p99)",
    ),
    message: "p99, {}, is less than p90, {}: 99 in 100 requests cannot all be faster than nine in \
              ten; raise p99",
    values: &["self.p99", "self.p90"],
    blame: "p99",
};
const P99_ALONE: Rule = Rule {
    cel: concat!(
        "!has(self.p99) || has(self.p90) || !",
        duration!("self.p50"),
        " || !",
        duration!("self.p99"),
        " || duration(self.p50) <= duration(self.p99)",
    ),
    message: "p99, {}, is less than p50, {}: 99 in 100 requests cannot all be faster than half of \
              them; raise p99",
    values: &["self.p99", "self.p50"],
    blame: "p99",
};

/// Settings of a component that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSettings {
    /// How many pods the component has.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// What each of its pods asks for and may use at most. Whatever is not said has a small default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How long the component computes for each request, besides its calls and queries. Without it, no
    /// longer than it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<Quantiles>,
    /// The least size of an answer, such as `2Ki`: smaller ones are padded. At most `1Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "maxLength" = quantity::MAX_LENGTH,
        "x-kubernetes-validations" = rule::schema(&[RESPONSE_SIZE]),
    ))]
    pub response_size: Option<String>,
}

fn one() -> i32 {
    1
}

impl Default for ComponentSettings {
    fn default() -> Self {
        Self { replicas: one(), resources: None, processing_time: None, response_size: None }
    }
}

/// Quantiles of a time. Each is a duration such as `150ms` or `1s500ms`, at most `30s`, and none is
/// less than the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule::schema(&[P90, P99, P99_ALONE])))]
pub struct Quantiles {
    /// Half of all requests take no longer.
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[DURATION])))]
    pub p50: String,
    /// Nine in ten requests take no longer. As `p50` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[DURATION])))]
    pub p90: Option<String>,
    /// 99 in 100 requests take no longer. As `p90` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = rule::schema(&[DURATION])))]
    pub p99: Option<String>,
}

/// Validated [`ComponentSettings`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidComponent {
    pub(crate) replicas: u32,
    pub(crate) resources: ValidResources,
    pub(crate) work: RequestWork,
}

impl ComponentSettings {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidComponent> {
        let replicas = bounds::check_range(self.replicas, 1, 50, &at.field("replicas"), findings);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&at.field("resources"), findings));
        let response_bytes = self.validate_response_size(&at.field("responseSize"), findings);
        let time = self.processing_time.as_ref();
        let time = time.and_then(|time| time.validate(&at.field("processingTime"), findings));
        Some(ValidComponent {
            replicas: replicas?,
            resources: resources.unwrap_or_default(),
            work: RequestWork { processing_time: time, response_bytes },
        })
    }

    fn validate_response_size(&self, at: &At, findings: &mut Findings) -> u64 {
        let Some(text) = &self.response_size else { return 0 };
        let size = text.parse().ok().map(|size: Quantity| size.ceil());
        size.filter(|bytes| *bytes <= MAX_RESPONSE_BYTES).unwrap_or_else(|| {
            RESPONSE_SIZE.broken_by(at, to_json(text), &[text], findings);
            0
        })
    }
}

impl Quantiles {
    fn validate(&self, at: &At, findings: &mut Findings) -> Option<ProcessingTime> {
        let mut micros = |field, text: &String| {
            let micros =
                duration::parse_micros(text).filter(|micros| *micros <= MAX_PROCESSING_MICROS);
            if micros.is_none() {
                DURATION.broken_by(&at.field(field), to_json(text), &[text], findings);
            }
            micros
        };
        let p50 = micros("p50", &self.p50);
        let p90 = self.p90.as_ref().map_or(p50, |text| micros("p90", text));
        let p99 = self.p99.as_ref().map_or(p90, |text| micros("p99", text));
        let (p50_micros, p90_micros, p99_micros) = (p50?, p90?, p99?);
        match (&self.p90, &self.p99) {
            (Some(text), _) if p90_micros < p50_micros => {
                P90.broken(at, &[text, &self.p50], findings)
            }
            (Some(p90), Some(p99)) if p99_micros < p90_micros => {
                P99.broken(at, &[p99, p90], findings)
            }
            (None, Some(text)) if p99_micros < p50_micros => {
                P99_ALONE.broken(at, &[text, &self.p50], findings);
            }
            _ => {}
        }
        Some(ProcessingTime { p50_micros, p90_micros, p99_micros })
    }
}
