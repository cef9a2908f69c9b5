//! The end users.

use maquette_contract::Percent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::error_list::{At, Findings};
use super::name::validate_percent;
use super::rule::{self, Rule};

const SHARES: Rule = Rule {
    cel: "self.writePercent + self.summaryPercent <= 100",
    message: "writePercent and summaryPercent are more than 100 together: lower one of them",
    values: &[],
    blame: "",
};

/// The end users: they write and read items, ask for summaries, and notice what gets lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule::schema(&[SHARES])))]
pub struct Load {
    /// Requests begun in each second. 0: there are no end users.
    #[serde(default = "ten")]
    #[schemars(range(min = 0, max = 1000))]
    pub requests_per_second: i32,
    /// How many of 100 requests write an item.
    #[serde(default = "twenty")]
    #[schemars(range(min = 0, max = 100))]
    pub write_percent: i32,
    /// How many of 100 requests ask for the summary. What remains reads items.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 100))]
    pub summary_percent: i32,
    /// How many different items are written and read, over all collections.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 100_000))]
    pub items: i32,
}

fn ten() -> i32 {
    10
}

fn twenty() -> i32 {
    20
}

fn five() -> i32 {
    5
}

fn thousand() -> i32 {
    1000
}

impl Default for Load {
    fn default() -> Self {
        Self {
            requests_per_second: ten(),
            write_percent: twenty(),
            summary_percent: five(),
            items: thousand(),
        }
    }
}

/// Validated [`Load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidLoad {
    pub(crate) requests_per_second: u32,
    pub(crate) write_percent: Percent,
    pub(crate) summary_percent: Percent,
    pub(crate) items: u32,
}

impl Load {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidLoad> {
        let rate = at.field("requestsPerSecond");
        let rate = bounds::check_range(self.requests_per_second, 0, 1000, &rate, findings);
        let write = validate_percent(self.write_percent, &at.field("writePercent"), findings);
        let summary = validate_percent(self.summary_percent, &at.field("summaryPercent"), findings);
        let items = bounds::check_range(self.items, 1, 100_000, &at.field("items"), findings);
        if let (Some(write), Some(summary)) = (write, summary)
            && write.get() + summary.get() > 100
        {
            SHARES.broken(at, &[], findings);
        }
        Some(ValidLoad {
            requests_per_second: rate?,
            write_percent: write?,
            summary_percent: summary?,
            items: items?,
        })
    }
}
