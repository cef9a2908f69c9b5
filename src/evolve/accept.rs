//! An owner accepts items before anybody sends it requests for them: a component that runs already and
//! will own other items than now owns both meanwhile, and calls as before.

use super::{
    graph::Share,
    home::{SourcesOfTruth, complete_home, own_home, owns, shares},
};
use crate::plan::{Behavior, Component, ServiceBehavior};
use maquette_contract::{Collection, Hop};
use std::collections::BTreeSet;

/// `old`, also owning what `goal` does; none if it does already.
pub(super) fn accepting(
    old: &Component,
    goal: &Component,
    authorities: &SourcesOfTruth,
    collections: &BTreeSet<Collection>,
) -> Option<Component> {
    let (Behavior::Service(told), Behavior::Service(wanted)) = (&old.behavior, &goal.behavior)
    else {
        return None;
    };
    let owned = shares(collections).into_iter().filter(|share| owns(goal, share));
    let new: Vec<_> = owned.filter(|share| !accepts(old, goal, share)).collect();
    if new.is_empty() {
        return None;
    }
    let mut task = ServiceBehavior { store: wanted.store.clone(), ..told.clone() };
    // Collections that went the way of the rest still do when that is owned.
    for collection in collections {
        let hop = || task.routes.rest.clone();
        task.routes.collections.entry(collection.clone()).or_insert_with(hop);
    }
    for share in new {
        share.lead(&mut task.routes, Hop::Own);
    }
    let mut component = Component { behavior: Behavior::Service(task), ..goal.clone() };
    authorities.give_origins(&mut component);
    Some(component)
}

/// Whether `old` owns these items already, at home where `goal` does, and complete as there.
fn accepts(old: &Component, goal: &Component, share: &Share) -> bool {
    owns(old, share)
        && own_home(old) == own_home(goal)
        && complete_home(old, share) == complete_home(goal, share)
}
