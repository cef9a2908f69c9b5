//! The settings of the load generator.

use super::{Address, Percent};
use crate::{Collection, ComponentName};
use serde::{Deserialize, Serialize};

/// The settings of the load generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadConfig {
    /// The targets of the requests, in turn.
    pub targets: Vec<LoadTarget>,
    /// Requests per second, over all targets; not used in a closed loop.
    pub requests_per_second: u32,
    /// How the requests of a second are spread over it.
    #[serde(default, skip_serializing_if = "Arrivals::is_constant")]
    pub arrivals: Arrivals,
    /// How the rate grows to [`LoadConfig::requests_per_second`]; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// Users who wait for their answers; absent: requests start on schedule, an open loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_loop: Option<ClosedLoop>,
    /// The percentage of requests that write an item.
    pub write_percent: Percent,
    /// The percentage of requests that request the summary. All other requests read an item.
    pub summary_percent: Percent,
    /// The number of different items, over all collections.
    pub items: u32,
    /// The collections of the items, in turn.
    pub collections: Vec<Collection>,
}

/// How the requests of an open loop follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Arrivals {
    /// Evenly spaced.
    #[default]
    Constant,
    /// As from many users who do not know of each other: a Poisson process, whose intervals are
    /// exponentially distributed.
    Poisson,
}

impl Arrivals {
    /// Whether this is the default.
    pub fn is_constant(&self) -> bool {
        *self == Self::Constant
    }
}

/// A rate that grows, or falls, evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ramp {
    /// The requests per second at the start of the load.
    pub from: u32,
    /// The time until the rate is reached, in microseconds.
    pub over_micros: u64,
}

/// Users who each send a request, wait for its answer, think, and send the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedLoop {
    /// The number of users.
    pub users: u32,
    /// The time from an answer to the user's next request, in microseconds.
    pub think_time_micros: u64,
}

/// An edge of kind `Drives`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadTarget {
    /// The component that gets the requests.
    pub component: ComponentName,
    /// The address of its traffic port; for the entry, that of the entry Service.
    pub address: Address,
    /// Whether the address is that of the entry Service, which may lead to another component during
    /// a change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub entry: bool,
}
