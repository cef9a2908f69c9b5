//! The peer-to-peer shape: equal peers that share the items.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::fields::{
    ComponentSettings, Quantiles, Resources, Storage, ValidComponent, ValidStorage, quantity,
    response_size_rule,
};
use crate::api::validation::{CelRule, ErrorList, FieldPath, bounds, schema_rules};

/// Also the default replication factor.
const DEFAULT_PEERS: i32 = 3;

fn replication_factor_rule() -> CelRule {
    CelRule::new(
        "!has(self.replicationFactor) || self.replicationFactor <= self.replicas",
        "replicationFactor is above replicas, but each copy of an item needs a different peer: \
         lower replicationFactor or raise replicas",
    )
    .at_field("replicationFactor")
}

/// Equal peers that share the items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema_rules([replication_factor_rule()])))]
pub struct PeerToPeer {
    /// The number of peers. Their component is named `peers`.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// The number of peers that store each item; at most `replicas`. If it is not set, 3, or
    /// `replicas` if that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub replication_factor: Option<i32>,
    /// The volume of each peer.
    #[serde(default)]
    pub storage: Storage,
    /// Resource requests and limits of each peer. What is not set: requests of 10m CPU and 32Mi of
    /// memory, limits of 1 CPU and 256Mi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The simulated computing time of each request, in addition to requests to other peers. If it
    /// is not set, a peer answers as fast as it can.
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
    DEFAULT_PEERS
}

impl Default for PeerToPeer {
    fn default() -> Self {
        Self {
            replicas: default_replicas(),
            replication_factor: None,
            storage: Storage::default(),
            resources: None,
            processing_time: None,
            response_size: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidPeerToPeer {
    pub(crate) component: ValidComponent,
    pub(crate) replication_factor: u32,
    pub(crate) storage: ValidStorage,
}

impl PeerToPeer {
    pub(crate) fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidPeerToPeer> {
        let settings = ComponentSettings {
            replicas: self.replicas,
            resources: self.resources.clone(),
            processing_time: self.processing_time.clone(),
            response_size: self.response_size.clone(),
        };
        let component = settings.validate(path, errors);
        let factor = self.replication_factor.unwrap_or(DEFAULT_PEERS.min(self.replicas));
        let replication_factor =
            bounds::check_range(factor, 1, 50, &path.field("replicationFactor"), errors);
        if factor > self.replicas {
            replication_factor_rule().report(path, &[], errors);
        }
        let storage = self.storage.validate(&path.field("storage"), errors);
        Some(ValidPeerToPeer {
            component: component?,
            replication_factor: replication_factor?,
            storage: storage?,
        })
    }
}
