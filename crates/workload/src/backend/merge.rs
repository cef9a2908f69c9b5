//! Merges summaries.

use maquette_contract::{CollectionSummary, Summary};

/// Merges two summaries. A collection has one owner, so a collection in both was counted at that
/// owner twice, over different routes: the larger count is the later one, as items are never
/// removed.
pub(crate) fn merge_summaries(mut one: Summary, other: Summary) -> Summary {
    for (collection, summary) in other.collections {
        let kept = one.collections.entry(collection).or_default();
        if progress_rank(&summary) > progress_rank(kept) {
            *kept = summary;
        }
    }
    one.truncated |= other.truncated;
    one
}

fn progress_rank(collection: &CollectionSummary) -> impl Ord + use<'_> {
    (collection.items, &collection.newest, collection.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(collections: &[(&str, u64)]) -> Summary {
        let collection = |items| CollectionSummary { items, bytes: items * 10, newest: None };
        let collections =
            collections.iter().map(|(name, items)| (name.parse().unwrap(), collection(*items)));
        Summary { collections: collections.collect(), truncated: false }
    }

    #[test]
    fn an_owner_reached_over_two_routes_counts_once() {
        let merged = merge_summaries(
            summary(&[("orders", 3), ("books", 5)]),
            Summary { truncated: true, ..summary(&[("books", 6), ("ads", 1)]) },
        );
        let expected = summary(&[("ads", 1), ("books", 6), ("orders", 3)]);
        assert_eq!(merged, Summary { truncated: true, ..expected });
    }
}
