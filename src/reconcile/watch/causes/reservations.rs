//! Names that an Architecture is about to use. Of two that are created together and need the same
//! name, one gets all of its names and the other waits: otherwise each would take some of them.

use super::super::super::key::ArchitectureKey;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a reservation lasts: by then the caches have what was created.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// The reserved names, as kind and name, by namespace.
type NamesByNamespace = HashMap<String, HashMap<String, (ArchitectureKey, Instant)>>;

/// Who reserved which name.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct NameReservations(Mutex<NamesByNamespace>);

impl NameReservations {
    /// Reserves `names` for one Architecture. If others have reserved some of them, returns those
    /// with their holders and reserves none.
    pub(in crate::reconcile) fn reserve_all<'a>(
        &self,
        key: &ArchitectureKey,
        names: &[&'a str],
    ) -> Vec<(&'a str, ArchitectureKey)> {
        let now = Instant::now();
        let mut namespaces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        namespaces.retain(|_, reserved| {
            reserved.retain(|_, (_, at)| now.duration_since(*at) < KEPT_FOR);
            !reserved.is_empty()
        });
        let reserved = namespaces.entry(key.namespace.clone()).or_default();
        let held_by_others: Vec<_> = names
            .iter()
            .filter_map(|name| Some((*name, reserved.get(*name)?.0.clone())))
            .filter(|(_, holder)| holder != key)
            .collect();
        if held_by_others.is_empty() {
            let entries = names.iter().map(|name| ((*name).to_owned(), (key.clone(), now)));
            reserved.extend(entries);
        }
        held_by_others
    }

    /// Drops the reservations of a deleted Architecture.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        let mut namespaces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reserved) = namespaces.get_mut(&key.namespace) {
            reserved.retain(|_, (holder, _)| holder != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_architecture_gets_all_names_or_none() {
        let key =
            |name: &str| ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() };
        let (shop, other) = (key("shop"), key("shop-web"));
        let reservations = NameReservations::default();
        assert_eq!(reservations.reserve_all(&shop, &["Service a", "Service b"]), []);
        assert_eq!(reservations.reserve_all(&shop, &["Service b", "Service c"]), []);
        let held = reservations.reserve_all(&other, &["Service b", "Service d"]);
        assert_eq!(held, [("Service b", shop.clone())]);
        assert_eq!(reservations.reserve_all(&shop, &["Service d"]), [], "none was reserved");
        reservations.forget(&shop);
        assert_eq!(reservations.reserve_all(&other, &["Service b", "Service d"]), []);
    }
}
