//! What users ask for.

use super::{durability_checker::DurabilityChecker, settings::RequestMix};
use maquette_contract::{ItemId, ItemKey};
use rand::{Rng, RngExt};
use std::{fmt, sync::Arc};

/// A request of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserRequest {
    /// Reads an item.
    Read(Arc<ItemKey>),
    /// Writes an item; the number is part of what is written.
    Write(Arc<ItemKey>, u64),
    /// Asks for the summary.
    Summary,
}

impl fmt::Display for UserRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(key) => write!(f, "read of {key}"),
            Self::Write(key, _) => write!(f, "write of {key}"),
            Self::Summary => f.write_str("summary"),
        }
    }
}

/// All users together: they take turns with items and targets.
#[derive(Debug, Default)]
pub(super) struct VirtualUsers {
    requests: u64,
    writes: u64,
}

impl VirtualUsers {
    /// The next request, and the target that it goes to, of so many.
    pub(super) fn next_request(
        &mut self,
        mix: &RequestMix,
        targets: usize,
        memory: &DurabilityChecker,
        random: &mut impl Rng,
    ) -> (UserRequest, usize) {
        let target = usize::try_from(self.requests).unwrap_or(0) % targets.max(1);
        self.requests += 1;
        let roll = random.random_range(0..100_u8);
        let write = mix.write_percent.get();
        let ask = if roll < write {
            self.writes += 1;
            UserRequest::Write(nth_item(mix, self.writes - 1), self.writes)
        } else if roll < write.saturating_add(mix.summary_percent.get()) {
            UserRequest::Summary
        } else {
            let known = memory.random_item(&mix.collections, random);
            UserRequest::Read(known.unwrap_or_else(|| nth_item(mix, random.random())))
        };
        (ask, target)
    }
}

/// The item of this number; numbers above the last item begin anew. Its collection is the next one in
/// turn.
fn nth_item(mix: &RequestMix, number: u64) -> Arc<ItemKey> {
    let number = number % u64::from(mix.items.max(1));
    let collection = usize::try_from(number).unwrap_or(0) % mix.collections.len();
    #[expect(clippy::expect_used, reason = "digits make an id")]
    let id = ItemId::try_from(number.to_string()).expect("digits make an id");
    Arc::new(ItemKey { collection: mix.collections[collection].clone(), id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::{Collection, Percent, Version};
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
        let (mut users, memory, mut random) =
            (VirtualUsers::default(), DurabilityChecker::default(), rand::rng());
        let mut counts = BTreeMap::new();
        for _ in 0..20_000 {
            let (ask, _) = users.next_request(&mix(&["items"], 10), 1, &memory, &mut random);
            let operation = match ask {
                UserRequest::Read(_) => "read",
                UserRequest::Write(..) => "write",
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
        let (mut users, memory, mut random) =
            (VirtualUsers::default(), DurabilityChecker::default(), rand::rng());
        let mix = mix(&["orders", "catalog"], 4);
        let (mut written, mut targets) = (Vec::new(), Vec::new());
        while written.len() < 5 {
            let (ask, target) = users.next_request(&mix, 2, &memory, &mut random);
            targets.push(target);
            if let UserRequest::Write(key, _) = ask {
                written.push(key.to_string());
            }
        }
        assert_eq!(written, ["orders/0", "catalog/1", "orders/2", "catalog/3", "orders/0"]);
        assert!(targets.iter().enumerate().all(|(turn, target)| *target == turn % 2));
    }

    #[test]
    fn reads_take_what_was_acknowledged() {
        let (mut users, mut memory, mut random) =
            (VirtualUsers::default(), DurabilityChecker::default(), rand::rng());
        let key = Arc::new(ItemKey::parse("items/old").unwrap());
        memory.record_acknowledged(&key, Version::after(None, 1, "w"));
        for _ in 0..100 {
            let (ask, _) = users.next_request(&mix(&["items"], 1000), 1, &memory, &mut random);
            assert!(!matches!(ask, UserRequest::Read(read) if read != key));
        }
    }
}
