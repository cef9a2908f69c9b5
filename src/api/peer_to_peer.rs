//! Equal peers that share the items among themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::component::{ComponentSettings, Quantiles, RESPONSE_SIZE, ValidComponent};
use super::error_list::{At, Findings};
use super::quantity;
use super::resources::Resources;
use super::rule::{self, Rule};
use super::storage::{Storage, ValidStorage};

/// How many peers there are unless it is said.
const DEFAULT_PEERS: i32 = 3;

const FACTOR: Rule = Rule {
    cel: "!has(self.replicationFactor) || self.replicationFactor <= self.replicas",
    message: "replicationFactor is above replicas, but each copy of an item needs a peer of its \
              own: lower replicationFactor or raise replicas",
    values: &[],
    blame: "replicationFactor",
};

/// Equal peers that share the items among themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule::schema(&[FACTOR])))]
pub struct PeerToPeer {
    /// How many peers there are. Their component is named `peers`.
    #[serde(default = "peers")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// How many peers hold each item: at most as many as there are peers. 3 unless it is said, or
    /// all peers if there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub replication_factor: Option<i32>,
    /// The volume of each peer.
    #[serde(default)]
    pub storage: Storage,
    /// What each peer asks for and may use at most. Whatever is not said has a small default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How long a peer computes for each request, besides what it asks other peers. Without it, no
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

fn peers() -> i32 {
    DEFAULT_PEERS
}

impl Default for PeerToPeer {
    fn default() -> Self {
        Self {
            replicas: peers(),
            replication_factor: None,
            storage: Storage::default(),
            resources: None,
            processing_time: None,
            response_size: None,
        }
    }
}

/// Validated [`PeerToPeer`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidPeerToPeer {
    pub(crate) component: ValidComponent,
    pub(crate) replication_factor: u32,
    pub(crate) storage: ValidStorage,
}

impl PeerToPeer {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidPeerToPeer> {
        let settings = ComponentSettings {
            replicas: self.replicas,
            resources: self.resources.clone(),
            processing_time: self.processing_time.clone(),
            response_size: self.response_size.clone(),
        };
        let component = settings.validate(at, findings);
        let factor = self.replication_factor.unwrap_or(DEFAULT_PEERS.min(self.replicas));
        let replication_factor =
            bounds::check_range(factor, 1, 50, &at.field("replicationFactor"), findings);
        if factor > self.replicas {
            FACTOR.broken(at, &[], findings);
        }
        let storage = self.storage.validate(&at.field("storage"), findings);
        Some(ValidPeerToPeer {
            component: component?,
            replication_factor: replication_factor?,
            storage: storage?,
        })
    }
}
