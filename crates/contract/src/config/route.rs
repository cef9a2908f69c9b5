//! The routes of a component: the next hop of each collection on the path to its owner.

use crate::{Collection, ComponentName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The next hop of a request for a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hop {
    /// This component owns the collection: it queries its own store.
    Own,
    /// The owner is this called component, or the path to the owner starts with it.
    Call(ComponentName),
}

/// The routing table of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routes {
    /// The collections that a component owns by name. The value is none if this component cannot
    /// reach the owner; such a collection is not part of `rest`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub collections: BTreeMap<Collection, Option<Hop>>,
    /// The next hop of all other collections; absent if this component can reach no owner of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Hop>,
}

impl Routes {
    /// None if this component cannot reach an owner of `collection`.
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
