//! Adding up summaries.

use maquette_contract::{KindSummary, Summary};

/// Adds up two parts. A kind has one owner: if both parts know a kind, both have asked that owner,
/// by different ways, and counting it twice would be wrong. The larger count is the later one, as
/// items are never removed.
pub(crate) fn merge(mut one: Summary, other: Summary) -> Summary {
    for (kind, theirs) in other.kinds {
        let ours = one.kinds.entry(kind).or_default();
        if rank(&theirs) > rank(ours) {
            *ours = theirs;
        }
    }
    one.truncated |= other.truncated;
    one
}

fn rank(kind: &KindSummary) -> impl Ord + use<'_> {
    (kind.items, &kind.newest, kind.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(kinds: &[(&str, u64)]) -> Summary {
        let kind = |items| KindSummary { items, bytes: items * 10, newest: None };
        let kinds = kinds.iter().map(|(name, items)| (name.parse().unwrap(), kind(*items)));
        Summary { kinds: kinds.collect(), truncated: false }
    }

    #[test]
    fn an_owner_reached_by_two_ways_counts_once() {
        let merged = merge(
            summary(&[("orders", 3), ("books", 5)]),
            Summary { truncated: true, ..summary(&[("books", 6), ("ads", 1)]) },
        );
        let want = summary(&[("ads", 1), ("books", 6), ("orders", 3)]);
        assert_eq!(merged, Summary { truncated: true, ..want });
    }
}
