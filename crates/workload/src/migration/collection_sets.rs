//! Operations on sets of collections.

use maquette_contract::{Collection, CollectionSet};
use std::collections::BTreeSet;

/// The collections that are in both sets.
pub(super) fn intersection(one: &CollectionSet, other: &CollectionSet) -> CollectionSet {
    match (one, other) {
        (CollectionSet::AllBut(one), CollectionSet::AllBut(other)) => {
            CollectionSet::AllBut(one | other)
        }
        (CollectionSet::Only(collections), set) | (set, CollectionSet::Only(collections)) => {
            CollectionSet::Only(
                collections.iter().filter(|collection| set.contains(collection)).cloned().collect(),
            )
        }
    }
}

/// Whether the set has no collection. `AllBut` is never empty: names are unlimited.
pub(super) fn is_empty(set: &CollectionSet) -> bool {
    *set == CollectionSet::Only(BTreeSet::new())
}

/// The set as text, for messages.
pub(super) fn describe_set(set: &CollectionSet) -> String {
    match set {
        CollectionSet::Only(collections) => join_names(collections),
        CollectionSet::AllBut(collections) if collections.is_empty() => {
            "every collection".to_owned()
        }
        CollectionSet::AllBut(collections) => {
            format!("every collection but {}", join_names(collections))
        }
    }
}

fn join_names(collections: &BTreeSet<Collection>) -> String {
    collections.iter().map(Collection::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 4] = ["ads", "books", "cars", "dogs"];

    fn sets() -> impl Strategy<Value = CollectionSet> {
        let collections = prop::sample::subsequence(NAMES.to_vec(), 0..=3);
        (any::<bool>(), collections).prop_map(|(only, collections)| {
            let collections = collections.iter().map(|name| name.parse().unwrap()).collect();
            if only { CollectionSet::Only(collections) } else { CollectionSet::AllBut(collections) }
        })
    }

    proptest! {
        #[test]
        fn a_collection_is_in_both_if_it_is_in_each(one in sets(), other in sets()) {
            let both = intersection(&one, &other);
            let mut any = matches!(both, CollectionSet::AllBut(_));
            for collection in NAMES.iter().map(|name| name.parse::<Collection>().unwrap()) {
                let in_each = one.contains(&collection) && other.contains(&collection);
                prop_assert_eq!(both.contains(&collection), in_each);
                any |= in_each;
            }
            prop_assert_eq!(is_empty(&both), !any);
        }
    }

    #[test]
    fn a_set_is_described_in_messages() {
        let set = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(describe_set(&CollectionSet::Only(set(&["ads", "cars"]))), "ads, cars");
        assert_eq!(describe_set(&CollectionSet::AllBut(set(&["ads"]))), "every collection but ads");
        assert_eq!(describe_set(&CollectionSet::AllBut(set(&[]))), "every collection");
    }
}
