//! Which way each kind goes from a node towards its owner.

use crate::{Kind, NodeName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The next step of a request for a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hop {
    /// This node owns the kind: it asks its own store.
    Own,
    /// Some node behind this call owns it.
    Call(NodeName),
}

/// Where a node sends a request for a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routes {
    /// The kinds that have an owner of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<Kind, Hop>,
    /// Every other kind; absent where nobody owns the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Hop>,
}

impl Routes {
    /// The next step for `kind`; none if nobody that can be reached owns it.
    pub fn hop(&self, kind: &Kind) -> Option<&Hop> {
        self.kinds.get(kind).or(self.rest.as_ref())
    }
}
