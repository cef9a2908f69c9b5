//! The summary: the smart part. Asks the own store and the nodes below, and adds up.

use super::{ServiceSettings, settings::Callee, store};
use crate::{
    call,
    front::{Failure, Request},
};
use futures_util::future::join_all;
use maquette_contract::{CallMode, KindSummary, Summary};

/// Gathers what the own store holds and what the nodes below say.
///
/// One after another, it stops at the first that fails: the whole has failed. All at once, it
/// waits for all, so that the tree tells of all. A part that fails is never left out of the sum:
/// a summary that silently lacks one would be untrue.
pub(super) async fn gather(request: &Request<ServiceSettings>) -> Result<Summary, Failure> {
    let callees = request.settings.callees.iter().filter(|callee| drawn(callee));
    let parts = match request.settings.mode {
        CallMode::Sequential => {
            let mut parts = vec![own(request).await?];
            for callee in callees {
                parts.push(call::get_summary(request, &callee.upstream).await?);
            }
            parts
        }
        CallMode::Parallel => {
            let calls =
                join_all(callees.map(|callee| call::get_summary(request, &callee.upstream)));
            let (own, calls) = tokio::join!(own(request), calls);
            [own].into_iter().chain(calls).collect::<Result<_, _>>()?
        }
    };
    Ok(parts.into_iter().reduce(merge).unwrap_or_default())
}

/// Whether this request calls it.
fn drawn(callee: &Callee) -> bool {
    rand::random_range(0..100) < callee.probability.get()
}

async fn own(request: &Request<ServiceSettings>) -> Result<Summary, Failure> {
    match &request.settings.store {
        Some(store) => store::summary(request, store).await,
        None => Ok(Summary::default()),
    }
}

/// Adds up two parts. A kind has one owner: if both parts know a kind, both have asked that owner,
/// by different ways, and counting it twice would be wrong. The larger count is the later one, as
/// items are never removed.
fn merge(mut one: Summary, other: Summary) -> Summary {
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
