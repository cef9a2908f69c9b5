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
    /// The kinds that have an owner of their own; none where this node has no way to it, which must
    /// not be mistaken for a kind that falls to the rest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<Kind, Option<Hop>>,
    /// Every other kind; absent where nobody that can be reached owns the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Hop>,
}

impl Routes {
    /// The next step for `kind`; none if nobody that can be reached owns it.
    pub fn hop(&self, kind: &Kind) -> Option<&Hop> {
        match self.kinds.get(kind) {
            Some(hop) => hop.as_ref(),
            None => self.rest.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_whose_owner_is_out_of_reach_does_not_fall_to_the_rest() {
        let routes: Routes =
            serde_json::from_str(r#"{"kinds":{"orders":null},"rest":"own"}"#).unwrap();
        assert_eq!(routes.hop(&"orders".parse().unwrap()), None);
        assert_eq!(routes.hop(&"other".parse().unwrap()), Some(&Hop::Own));
    }
}
