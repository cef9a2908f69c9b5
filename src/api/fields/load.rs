//! The load: requests that simulate end users.

use maquette_contract::{self as contract, Percent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DURATION_PATTERN};
use super::resources::{Resources, ValidResources};
use crate::api::validation::{CelRule, ErrorList, FieldPath, bounds, schema_rules, to_json};

fn percent_sum_rule() -> CelRule {
    CelRule::new(
        "self.writePercent + self.summaryPercent <= 100",
        "the sum of writePercent and summaryPercent is above 100: lower one of them",
    )
}

/// In micros: one hour.
const MAX_PAUSE_MICROS: u64 = 3_600_000_000;
/// Requests per second.
const MAX_RATE: i32 = 10_000;

fn pause_rule() -> CelRule {
    CelRule::new(
        format!("self.matches('{DURATION_PATTERN}') && duration(self) <= duration('1h')"),
        "'{}' is not a duration of at most 1h: write whole numbers with the units h, m, s and ms, \
         such as 5m or 1s500ms",
    )
    .with_arguments(["self"])
}

fn closed_loop_rule() -> CelRule {
    CelRule::new(
        "!has(self.closedLoop) || !has(self.ramp) && self.arrivals == 'Constant'",
        "closedLoop excludes ramp and Poisson arrivals: its users decide when a request starts; \
         remove closedLoop, or ramp and arrivals",
    )
}

/// The load: requests that simulate end users. They write and read items, request summaries, and
/// check that the answers agree: no acknowledged write is lost, no value is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" =
    schema_rules([percent_sum_rule(), closed_loop_rule()])))]
pub struct Load {
    /// Requests per second. 0 turns the load off. With `closedLoop` any other number has no effect.
    #[serde(default = "default_rate")]
    #[schemars(range(min = 0, max = 10_000))]
    pub requests_per_second: i32,
    /// How the requests follow each other: `Constant`, evenly spaced, or `Poisson`, as from many
    /// users who do not know of each other.
    #[serde(default = "default_arrivals")]
    pub arrivals: Arrivals,
    /// How the rate grows to `requestsPerSecond`. If it is not set, the load has this rate at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// A fixed number of users. Each waits for the answer before the next request, so a slow model
    /// gets fewer requests. If it is not set, requests start on schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_loop: Option<ClosedLoop>,
    /// The percentage of requests that write an item.
    #[serde(default = "default_write_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub write_percent: i32,
    /// The percentage of requests that request the summary. All other requests read an item.
    #[serde(default = "default_summary_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub summary_percent: i32,
    /// The number of different items that the requests write and read, over all collections.
    #[serde(default = "default_items")]
    #[schemars(range(min = 1, max = 100_000))]
    pub items: i32,
    /// Resource requests and limits of the load's pod. What is not set: requests of 10m CPU and
    /// 16Mi of memory, limits of 1 CPU and 128Mi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// How the requests of an open loop follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Arrivals {
    /// Evenly spaced.
    Constant,
    /// A Poisson process: the intervals are exponentially distributed.
    Poisson,
}

/// A rate that grows evenly. When `requestsPerSecond` changes later, the rate goes from its current
/// value to the new one in the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ramp {
    /// Requests per second when the load starts; 0 counts as 1.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10_000))]
    pub from: i32,
    /// The time until the rate is reached, such as `5m`. At most `1h`.
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([pause_rule()])))]
    pub over: String,
}

/// Users who send a request, wait for its answer, think, and send the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClosedLoop {
    /// The number of users.
    #[schemars(range(min = 1, max = 1000))]
    pub users: i32,
    /// The time from an answer to the user's next request, such as `500ms`. At most `1h`.
    #[serde(default = "default_think_time")]
    #[schemars(length(max = 24))]
    #[schemars(extend("x-kubernetes-validations" = schema_rules([pause_rule()])))]
    pub think_time: String,
}

fn default_arrivals() -> Arrivals {
    Arrivals::Constant
}

fn default_think_time() -> String {
    "1s".to_owned()
}

fn default_rate() -> i32 {
    10
}

fn default_write_percent() -> i32 {
    20
}

fn default_summary_percent() -> i32 {
    5
}

fn default_items() -> i32 {
    1000
}

impl Default for Load {
    fn default() -> Self {
        Self {
            requests_per_second: default_rate(),
            arrivals: default_arrivals(),
            ramp: None,
            closed_loop: None,
            write_percent: default_write_percent(),
            summary_percent: default_summary_percent(),
            items: default_items(),
            resources: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidLoad {
    pub(crate) requests_per_second: u32,
    pub(crate) arrivals: contract::Arrivals,
    pub(crate) ramp: Option<contract::Ramp>,
    pub(crate) closed_loop: Option<contract::ClosedLoop>,
    pub(crate) write_percent: Percent,
    pub(crate) summary_percent: Percent,
    pub(crate) items: u32,
    pub(crate) resources: ValidResources,
}

impl Load {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidLoad> {
        let rate_path = path.field("requestsPerSecond");
        let rate = bounds::check_range(self.requests_per_second, 0, MAX_RATE, &rate_path, errors);
        let write = bounds::check_percent(self.write_percent, &path.field("writePercent"), errors);
        let summary =
            bounds::check_percent(self.summary_percent, &path.field("summaryPercent"), errors);
        let items = bounds::check_range(self.items, 1, 100_000, &path.field("items"), errors);
        let ramp = self.ramp.as_ref().map(|ramp| ramp.validate(&path.field("ramp"), errors));
        let closed_loop = self
            .closed_loop
            .as_ref()
            .map(|closed_loop| closed_loop.validate(&path.field("closedLoop"), errors));
        if closed_loop.is_some() && (ramp.is_some() || self.arrivals != Arrivals::Constant) {
            closed_loop_rule().report(path, &[], errors);
        }
        let resources =
            self.resources.as_ref().map(|r| r.validate(&path.field("resources"), errors));
        if let (Some(write), Some(summary)) = (write, summary)
            && write.get() + summary.get() > 100
        {
            percent_sum_rule().report(path, &[], errors);
        }
        Some(ValidLoad {
            requests_per_second: rate?,
            arrivals: self.arrivals.into(),
            ramp: ramp.flatten(),
            closed_loop: closed_loop.flatten(),
            write_percent: write?,
            summary_percent: summary?,
            items: items?,
            resources: resources.unwrap_or_default(),
        })
    }
}

impl From<Arrivals> for contract::Arrivals {
    fn from(arrivals: Arrivals) -> Self {
        match arrivals {
            Arrivals::Constant => Self::Constant,
            Arrivals::Poisson => Self::Poisson,
        }
    }
}

impl Ramp {
    fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<contract::Ramp> {
        let from = bounds::check_range(self.from, 0, MAX_RATE, &path.field("from"), errors);
        let over_micros = validate_pause(&self.over, &path.field("over"), errors);
        Some(contract::Ramp { from: from?, over_micros: over_micros? })
    }
}

impl ClosedLoop {
    fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<contract::ClosedLoop> {
        let users = bounds::check_range(self.users, 1, 1000, &path.field("users"), errors);
        let think_time_micros = validate_pause(&self.think_time, &path.field("thinkTime"), errors);
        Some(contract::ClosedLoop { users: users?, think_time_micros: think_time_micros? })
    }
}

/// The duration in microseconds.
fn validate_pause(text: &String, path: &FieldPath, errors: &mut ErrorList) -> Option<u64> {
    let micros = duration::parse_micros(text).filter(|micros| *micros <= MAX_PAUSE_MICROS);
    if micros.is_none() {
        pause_rule().report_value(path, to_json(text), &[text], errors);
    }
    micros
}
