//! Sets of kinds.

use maquette_contract::{Kind, KindSet};
use std::collections::BTreeSet;

/// The kinds that are in both sets.
pub(super) fn both(one: &KindSet, other: &KindSet) -> KindSet {
    match (one, other) {
        (KindSet::AllBut(one), KindSet::AllBut(other)) => KindSet::AllBut(one | other),
        (KindSet::Only(kinds), set) | (set, KindSet::Only(kinds)) => {
            KindSet::Only(kinds.iter().filter(|kind| set.contains(kind)).cloned().collect())
        }
    }
}

/// Whether no kind is in the set. All but some are always many.
pub(super) fn is_empty(set: &KindSet) -> bool {
    *set == KindSet::Only(BTreeSet::new())
}

/// The set, for a person.
pub(super) fn text(set: &KindSet) -> String {
    let list =
        |kinds: &BTreeSet<Kind>| kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join(", ");
    match set {
        KindSet::Only(kinds) => list(kinds),
        KindSet::AllBut(kinds) if kinds.is_empty() => "every kind".to_owned(),
        KindSet::AllBut(kinds) => format!("every kind but {}", list(kinds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 4] = ["ads", "books", "cars", "dogs"];

    fn sets() -> impl Strategy<Value = KindSet> {
        let kinds = prop::sample::subsequence(NAMES.to_vec(), 0..=3);
        (any::<bool>(), kinds).prop_map(|(only, kinds)| {
            let kinds = kinds.iter().map(|name| name.parse().unwrap()).collect();
            if only { KindSet::Only(kinds) } else { KindSet::AllBut(kinds) }
        })
    }

    proptest! {
        #[test]
        fn a_kind_is_in_both_if_it_is_in_each(one in sets(), other in sets()) {
            let both = both(&one, &other);
            let mut any = matches!(both, KindSet::AllBut(_));
            for kind in NAMES.iter().map(|name| name.parse::<Kind>().unwrap()) {
                let in_each = one.contains(&kind) && other.contains(&kind);
                prop_assert_eq!(both.contains(&kind), in_each);
                any |= in_each;
            }
            prop_assert_eq!(is_empty(&both), !any);
        }
    }

    #[test]
    fn a_set_is_told_to_a_person() {
        let set = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(text(&KindSet::Only(set(&["ads", "cars"]))), "ads, cars");
        assert_eq!(text(&KindSet::AllBut(set(&["ads"]))), "every kind but ads");
        assert_eq!(text(&KindSet::AllBut(set(&[]))), "every kind");
    }
}
