//! The state of a peer, shared by all its parts.

use super::{
    members::Members,
    memory::VolumeId,
    phase::{MemberState, Phase},
    report::{Reports, Volumes},
    transition::LayoutTransition,
};
use std::sync::Arc;
use tokio::sync::watch;

/// The state of a peer: its own phase, the reports of the others and the configured members.
pub(crate) struct PeerState {
    name: String,
    volume: VolumeId,
    member: watch::Sender<Arc<MemberState>>,
    reports: watch::Sender<Arc<Reports>>,
    members: watch::Receiver<Members>,
}

impl PeerState {
    /// `name` is the pod's name; `members` follows the configuration.
    pub(crate) fn new(
        name: String,
        volume: VolumeId,
        member: MemberState,
        members: watch::Receiver<Members>,
    ) -> Self {
        let member = watch::Sender::new(Arc::new(member));
        Self { name, volume, member, reports: watch::Sender::default(), members }
    }

    /// The name of this peer's pod.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The identity of this peer's volume.
    pub(crate) fn volume(&self) -> VolumeId {
        self.volume
    }

    /// The volumes of all peers, as this one knows them.
    pub(crate) fn known_volumes(&self) -> Volumes {
        let mut volumes = self.reports.borrow().volumes();
        volumes.insert(self.name.clone(), self.volume);
        volumes
    }

    /// The state of this peer itself.
    pub(crate) fn member(&self) -> Arc<MemberState> {
        Arc::clone(&self.member.borrow())
    }

    /// The newest report of each peer.
    pub(crate) fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.reports.borrow())
    }

    /// The members that the configuration lists.
    pub(crate) fn members(&self) -> watch::Ref<'_, Members> {
        self.members.borrow()
    }

    /// Changes of this peer's own state.
    pub(crate) fn subscribe_member(&self) -> watch::Receiver<Arc<MemberState>> {
        self.member.subscribe()
    }

    /// Changes of the reports.
    pub(crate) fn subscribe_reports(&self) -> watch::Receiver<Arc<Reports>> {
        self.reports.subscribe()
    }

    /// Changes of the members that the configuration lists.
    pub(crate) fn subscribe_members(&self) -> watch::Receiver<Members> {
        self.members.clone()
    }

    /// The layouts in force; `None` while this peer serves no requests.
    pub(crate) fn transition(&self) -> Option<LayoutTransition> {
        match &self.member.borrow().phase {
            Phase::Active(transition) => Some(transition.clone()),
            Phase::Joining | Phase::Removed => None,
        }
    }

    /// The address of a peer as `host:port`; `None` if it is neither live nor a member.
    pub(crate) fn address_of(&self, name: &str) -> Option<String> {
        // After a restart gossip has the new address earlier than DNS.
        if let Some(live) = self.reports.borrow().0.get(name).filter(|peer| peer.live) {
            return Some(live.address.to_string());
        }
        self.members.borrow().address_of(name).map(|address| address.0.clone())
    }

    /// The address of this peer itself, also if it is no member.
    #[cfg(test)]
    pub(crate) fn own_address(&self) -> String {
        let reports = self.reports.borrow();
        reports.0.get(&self.name).map_or_else(String::new, |own| own.address.to_string())
    }

    /// Whether requests may go to this peer: it is a member or live.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.members.borrow().layout.has_member(name) || self.reports.borrow().is_live(name)
    }

    /// Whether a peer of the version before is a member or live; see
    /// [`crate::peer::network`].
    pub(crate) fn has_earlier_peers(&self) -> bool {
        let reports = self.reports.borrow();
        reports.0.iter().any(|(name, peer)| {
            let is_earlier = peer.report.as_ref().is_some_and(|report| report.progress.is_none());
            is_earlier && (peer.live || self.members.borrow().layout.has_member(name))
        })
    }

    /// Puts a new state of this peer in force. Only the driver calls it, once the state is on disk.
    pub(super) fn set_member(&self, member: MemberState) {
        self.member.send_replace(Arc::new(member));
    }

    /// Where gossip publishes the reports that it receives.
    pub(super) fn reports_sender(&self) -> &watch::Sender<Arc<Reports>> {
        &self.reports
    }
}
