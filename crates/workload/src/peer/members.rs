//! The members that the configuration names.

use super::layout::Layout;
use maquette_contract::{Address, PeerConfig};
use std::collections::BTreeMap;

/// The members that the configuration names, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members {
    /// The layout that it asks for.
    pub(super) layout: Layout,
    addresses: BTreeMap<String, Address>,
}

impl Members {
    /// The members of a configuration; none if it names none.
    pub(super) fn new(config: &PeerConfig) -> Option<Self> {
        let addresses: BTreeMap<String, Address> = config
            .members
            .iter()
            .map(|member| (member.name.clone(), member.address.clone()))
            .collect();
        let layout = Layout::new(addresses.keys().cloned(), config.replication_factor)?;
        Some(Self { layout, addresses })
    }

    /// Where a member is.
    pub(super) fn address_of(&self, name: &str) -> Option<&Address> {
        self.addresses.get(name)
    }

    /// What keeps the peers of different Architectures apart: equal on all peers of one, whatever
    /// its members, since all their names are in one domain.
    pub(super) fn overlay_name(&self, architecture: &str, node: &str) -> String {
        let first = self.addresses.values().next().map_or("", |address| address.0.as_str());
        let host = first.rsplit_once(':').map_or(first, |(host, _)| host);
        let domain = host.split_once('.').map_or(host, |(_, domain)| domain);
        format!("{architecture}/{node}@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::PeerMember;

    fn config(namespace: &str, members: std::ops::Range<usize>) -> PeerConfig {
        let member = |ordinal| {
            let name = format!("shop-peers-{ordinal}");
            let host = format!("{name}.shop-peers.{namespace}.svc");
            PeerMember { name, address: Address::new(&host, 7000) }
        };
        let members = members.map(member).collect();
        PeerConfig {
            work: Default::default(),
            replication_factor: 3,
            members,
            migration_sources: vec![],
            successor: None,
        }
    }

    #[test]
    fn an_overlay_is_one_architecture_in_one_namespace_whatever_its_members() {
        let overlay = |namespace, members| {
            Members::new(&config(namespace, members)).unwrap().overlay_name("shop", "peers")
        };
        assert_eq!(overlay("a", 0..3), overlay("a", 1..5));
        assert_ne!(overlay("a", 0..3), overlay("b", 0..3));
        assert!(Members::new(&config("a", 0..0)).is_none());
    }
}
