//! The load: requests that simulate end users.

use maquette_contract::Percent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resources::{Resources, ValidResources};
use crate::api::validation::{CelRule, ErrorList, FieldPath, bounds, schema_rules};

fn percent_sum_rule() -> CelRule {
    CelRule::new(
        "self.writePercent + self.summaryPercent <= 100",
        "the sum of writePercent and summaryPercent is above 100: lower one of them",
    )
}

/// The load: requests that simulate end users. They write and read items, request summaries, and
/// count acknowledged writes that are lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([percent_sum_rule()])))]
pub struct Load {
    /// Requests per second. 0 turns the load off.
    #[serde(default = "default_rate")]
    #[schemars(range(min = 0, max = 1000))]
    pub requests_per_second: i32,
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
    pub(crate) write_percent: Percent,
    pub(crate) summary_percent: Percent,
    pub(crate) items: u32,
    pub(crate) resources: ValidResources,
}

impl Load {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidLoad> {
        let rate_path = path.field("requestsPerSecond");
        let rate = bounds::check_range(self.requests_per_second, 0, 1000, &rate_path, errors);
        let write = bounds::check_percent(self.write_percent, &path.field("writePercent"), errors);
        let summary =
            bounds::check_percent(self.summary_percent, &path.field("summaryPercent"), errors);
        let items = bounds::check_range(self.items, 1, 100_000, &path.field("items"), errors);
        let resources =
            self.resources.as_ref().map(|r| r.validate(&path.field("resources"), errors));
        if let (Some(write), Some(summary)) = (write, summary)
            && write.get() + summary.get() > 100
        {
            percent_sum_rule().report(path, &[], errors);
        }
        Some(ValidLoad {
            requests_per_second: rate?,
            write_percent: write?,
            summary_percent: summary?,
            items: items?,
            resources: resources.unwrap_or_default(),
        })
    }
}
