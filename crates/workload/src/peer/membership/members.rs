//! The members that the configuration lists.

use super::layout::Layout;
use maquette_contract::{Address, ComponentIdentity, PeerConfig};
use std::collections::BTreeMap;

/// The members that the configuration lists, with their addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    /// The component of the peers.
    pub(crate) identity: ComponentIdentity,
    /// The layout of these members.
    pub(crate) layout: Layout,
    /// Whether the peers began with other members.
    pub(crate) have_changed: bool,
    addresses: BTreeMap<String, Address>,
}

impl Members {
    /// Returns `None` if the configuration lists no member.
    pub(crate) fn new(config: &PeerConfig, own: &ComponentIdentity) -> Option<Self> {
        let addresses: BTreeMap<String, Address> = config
            .members
            .iter()
            .map(|member| (member.name.clone(), member.address.clone()))
            .collect();
        let layout = Layout::new(addresses.keys().cloned(), config.replication_factor)?;
        let have_changed = config.members_changed;
        Some(Self { identity: own.clone(), layout, have_changed, addresses })
    }

    pub(crate) fn address_of(&self, name: &str) -> Option<&Address> {
        self.addresses.get(name)
    }

    /// The name that separates the peers of different Architectures: equal on all peers of one
    /// component, whatever its members, because all their host names are in one domain. The UID is
    /// not part of it, so that peers of this and of the previous version find each other.
    pub(crate) fn overlay_name(&self) -> String {
        let first = self.addresses.values().next().map_or("", |address| address.0.as_str());
        let host = first.rsplit_once(':').map_or(first, |(host, _)| host);
        let domain = host.split_once('.').map_or(host, |(_, domain)| domain);
        let ComponentIdentity { architecture, component, .. } = &self.identity;
        format!("{architecture}/{component}@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::PeerMember;

    fn member(namespace: &str, ordinal: usize) -> PeerMember {
        let name = format!("shop-peers-{ordinal}");
        let host = format!("{name}.shop-peers.{namespace}.svc");
        PeerMember { name, address: Address::new(&host, 7000) }
    }

    fn config(namespace: &str, members: std::ops::Range<usize>) -> PeerConfig {
        PeerConfig {
            work: Default::default(),
            replication_factor: 3,
            members: members.map(|ordinal| member(namespace, ordinal)).collect(),
            members_changed: false,
            migration_sources: vec![],
            successor: None,
        }
    }

    fn listed(namespace: &str, members: std::ops::Range<usize>) -> Option<Members> {
        let own = ComponentIdentity {
            architecture: "shop".parse().unwrap(),
            uid: None,
            former_uid: None,
            component: "peers".parse().unwrap(),
        };
        Members::new(&config(namespace, members), &own)
    }

    fn overlay(namespace: &str, members: std::ops::Range<usize>) -> String {
        listed(namespace, members).unwrap().overlay_name()
    }

    #[test]
    fn an_overlay_depends_on_the_namespace_and_not_on_the_members() {
        assert_eq!(overlay("a", 0..3), overlay("a", 1..5));
        assert_ne!(overlay("a", 0..3), overlay("b", 0..3));
        assert!(listed("a", 0..0).is_none());
    }
}
