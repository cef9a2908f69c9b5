//! Which way each collection goes from a component towards its owner.

use crate::{Collection, ComponentName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The next step of a request for a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hop {
    /// This component owns the collection: it asks its own store.
    Own,
    /// Some component behind this call owns it.
    Call(ComponentName),
}

/// Where a component sends a request for a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routes {
    /// The collections that have an owner of their own; none where this component has no way to it, which must
    /// not be mistaken for a collection that falls to the rest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub collections: BTreeMap<Collection, Option<Hop>>,
    /// Every other collection; absent where nobody that can be reached owns the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Hop>,
}

impl Routes {
    /// The next step for `collection`; none if nobody that can be reached owns it.
    pub fn next_hop(&self, collection: &Collection) -> Option<&Hop> {
        match self.collections.get(collection) {
            Some(hop) => hop.as_ref(),
            None => self.rest.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_whose_owner_is_out_of_reach_does_not_fall_to_the_rest() {
        let routes: Routes =
            serde_json::from_str(r#"{"collections":{"orders":null},"rest":"own"}"#).unwrap();
        assert_eq!(routes.next_hop(&"orders".parse().unwrap()), None);
        assert_eq!(routes.next_hop(&"other".parse().unwrap()), Some(&Hop::Own));
    }
}
