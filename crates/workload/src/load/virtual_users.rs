//! The requests that virtual users send.

use super::{checker::ConsistencyChecker, settings::RequestMix};
use maquette_contract::{ItemId, ItemKey};
use rand::{Rng, RngExt};
use std::{fmt, sync::Arc};

/// A request of a virtual user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserRequest {
    Read(Arc<ItemKey>),
    Write(Arc<ItemKey>),
    /// Reads the summary of all collections.
    Summary,
}

impl fmt::Display for UserRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(key) => write!(f, "read of {key}"),
            Self::Write(key) => write!(f, "write of {key}"),
            Self::Summary => f.write_str("summary"),
        }
    }
}

/// All virtual users together: their requests take items and targets in turn.
#[derive(Debug, Default)]
pub(super) struct VirtualUsers {
    requests: u64,
    writes: u64,
}

impl VirtualUsers {
    /// The next request, and the index of its target below `targets`.
    pub(super) fn next_request(
        &mut self,
        mix: &RequestMix,
        targets: usize,
        checker: &ConsistencyChecker,
        random: &mut impl Rng,
    ) -> (UserRequest, usize) {
        let target = usize::try_from(self.requests).unwrap_or(0) % targets.max(1);
        self.requests += 1;
        let roll = random.random_range(0..100_u8);
        let write = mix.write_percent.get();
        let request = if roll < write {
            self.writes += 1;
            UserRequest::Write(nth_item(mix, self.writes - 1))
        } else if roll < write.saturating_add(mix.summary_percent.get()) {
            UserRequest::Summary
        } else {
            let known = checker.random_item(&mix.collections, random);
            UserRequest::Read(known.unwrap_or_else(|| nth_item(mix, random.random())))
        };
        (request, target)
    }
}

/// The item with this number modulo the number of items; collections take turns. Its id is one that
/// users hardly choose by accident: their items of the same collections are left alone.
pub(super) fn nth_item(mix: &RequestMix, number: u64) -> Arc<ItemKey> {
    let index = number % u64::from(mix.items.max(1));
    let collection = usize::try_from(index).unwrap_or(0) % mix.collections.len();
    #[expect(clippy::expect_used, reason = "letters, digits and a dash are a valid id")]
    let id = ItemId::try_from(format!("load-{index}")).expect("the id is valid");
    Arc::new(ItemKey { collection: mix.collections[collection].clone(), id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::checker::AnsweredItem;
    use maquette_contract::{Collection, Percent, Version};
    use prometheus_client::metrics::counter::Counter;
    use std::collections::BTreeMap;

    fn mix(collections: &[&str], items: u32) -> RequestMix {
        let percent = |percent: u8| Percent::try_from(percent).unwrap();
        let collections = collections
            .iter()
            .map(|collection| collection.parse::<Collection>().unwrap())
            .collect();
        RequestMix { write_percent: percent(20), summary_percent: percent(5), items, collections }
    }

    #[test]
    fn requests_are_mixed_as_configured() {
        let (mut users, checker, mut random) =
            (VirtualUsers::default(), ConsistencyChecker::new(Counter::default()), rand::rng());
        let mut counts = BTreeMap::new();
        for _ in 0..20_000 {
            let (request, _) = users.next_request(&mix(&["items"], 10), 1, &checker, &mut random);
            let operation = match request {
                UserRequest::Read(_) => "read",
                UserRequest::Write(_) => "write",
                UserRequest::Summary => "summary",
            };
            *counts.entry(operation).or_insert(0) += 1;
        }
        // Ten standard deviations on either side.
        assert!((3400..4600).contains(&counts["write"]), "{counts:?}");
        assert!((650..1350).contains(&counts["summary"]), "{counts:?}");
    }

    #[test]
    fn writes_take_items_and_collections_in_turn_and_requests_take_targets_in_turn() {
        let (mut users, checker, mut random) =
            (VirtualUsers::default(), ConsistencyChecker::new(Counter::default()), rand::rng());
        let mix = mix(&["orders", "catalog"], 4);
        let (mut written, mut targets) = (Vec::new(), Vec::new());
        while written.len() < 5 {
            let (request, target) = users.next_request(&mix, 2, &checker, &mut random);
            targets.push(target);
            if let UserRequest::Write(key) = request {
                written.push(key.to_string());
            }
        }
        assert_eq!(
            written,
            ["orders/load-0", "catalog/load-1", "orders/load-2", "catalog/load-3", "orders/load-0"]
        );
        assert!(targets.iter().enumerate().all(|(turn, target)| *target == turn % 2));
    }

    #[test]
    fn reads_choose_among_known_items() {
        let (mut users, mut checker, mut random) =
            (VirtualUsers::default(), ConsistencyChecker::new(Counter::default()), rand::rng());
        let key = Arc::new(ItemKey::parse("items/old").unwrap());
        let write = checker.begin_write(&key);
        let value = std::str::from_utf8(&write.value).unwrap();
        let answer = AnsweredItem { version: Version::after(None, 1, "w"), value: Some(value) };
        checker.check_write(&write, answer).unwrap();
        for _ in 0..100 {
            let (request, _) = users.next_request(&mix(&["items"], 1000), 1, &checker, &mut random);
            assert!(!matches!(request, UserRequest::Read(read) if read != key));
        }
    }
}
