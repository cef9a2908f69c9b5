//! Gossip: liveness and the report of each peer, by chitchat over UDP.
//!
//! A peer is identified by its pod's name; a restart is a new generation of it, usually with
//! another address. Members that are not live are discovered by resolving their names at an
//! interval, so peers find each other in whatever order they start.

use super::{
    peer_state::PeerState,
    report::{GossipReport, ObservedPeer, Reports},
};
#[cfg(test)]
use crate::peer::tests::links;
use crate::peer::timing::Timing;
use chitchat::{
    Chitchat, ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, ProtocolVersion,
    spawn_chitchat, transport::UdpTransport,
};
use maquette_contract::ArchitectureUid;
use maquette_http_client::resolve;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{interval, timeout};

/// The key of a peer's report in its chitchat state.
const REPORT_KEY: &str = "report";
/// The key of the UID of a peer's Architecture; peers of the previous version have none.
const ARCHITECTURE_KEY: &str = "architecture";
/// Threshold of the phi accrual failure detector: a peer is down when it has been silent 8 times as
/// long as the average interval between its heartbeats.
const PHI_THRESHOLD: f64 = 8.0;
/// Intervals between heartbeats that the failure detector averages over.
const HEARTBEAT_SAMPLES: usize = 200;
/// How long the state of a dead peer is kept.
const DEAD_PEER_RETENTION: Duration = Duration::from_secs(3600);
/// The longest time to resolve a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why gossip cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// The UDP port cannot be bound.
    #[error("cannot gossip on UDP {address}: {reason}")]
    Listen {
        /// The address to listen on.
        address: SocketAddr,
        /// The error of chitchat.
        reason: String,
    },
    /// The routing table gives no address of this pod.
    #[error("cannot find this pod's own address: {0}")]
    Address(io::Error),
}

/// How a peer takes part in gossip.
pub(crate) struct GossipIdentity {
    /// Name of the pod; equal after a restart.
    pub(crate) name: String,
    /// Grows with each start of the process.
    pub(crate) generation: u64,
    /// Separates the peers of different Architectures.
    pub(crate) overlay: String,
    /// The UDP address to listen on.
    pub(crate) listen: SocketAddr,
}

/// The gossip of one peer; ends when dropped.
pub(crate) struct Gossip {
    name: String,
    handle: ChitchatHandle,
    timing: Timing,
    /// Whether a peer is known that reads only [`GossipReport::to_json`] with earlier names.
    uses_earlier_names: AtomicBool,
}

impl Gossip {
    /// Starts to gossip; no other peer is known yet.
    pub(crate) async fn start(
        identity: GossipIdentity,
        timing: Timing,
    ) -> Result<Self, GossipError> {
        let GossipIdentity { name, generation, overlay, listen } = identity;
        let advertised = SocketAddr::new(own_address(listen.ip())?, listen.port());
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(name.as_str(), generation, advertised),
            cluster_id: overlay,
            gossip_interval: timing.gossip_interval,
            listen_addr: listen,
            // Chitchat resolves seed names once a minute, `discover_members` at each interval.
            seed_nodes: vec![],
            failure_detector_config: FailureDetectorConfig::new(
                PHI_THRESHOLD,
                HEARTBEAT_SAMPLES,
                timing.gossip_interval * 20,
                timing.gossip_interval,
                DEAD_PEER_RETENTION,
            ),
            marked_for_deletion_grace_period: DEAD_PEER_RETENTION,
            catchup_callback: None,
            extra_liveness_predicate: None,
            protocol_version: ProtocolVersion::V0,
        };
        let handle = spawn_chitchat(config, vec![], &UdpTransport).await.map_err(|error| {
            GossipError::Listen { address: listen, reason: format!("{error:#}") }
        })?;
        Ok(Self { name, handle, timing, uses_earlier_names: AtomicBool::new(false) })
    }

    /// Replaces this peer's report.
    pub(crate) async fn publish_report(
        &self,
        report: &GossipReport,
        architecture: Option<&ArchitectureUid>,
    ) {
        let uses_earlier_names = self.uses_earlier_names.load(Ordering::Relaxed);
        let Ok(text) = report.to_json(uses_earlier_names) else { return };
        self.handle
            .with_chitchat(|chitchat| {
                let state = chitchat.self_node_state();
                // Setting an equal value causes no gossip. The UID is first: others that receive
                // the report know whose it is.
                if let Some(uid) = architecture {
                    state.set(ARCHITECTURE_KEY, uid);
                }
                state.set(REPORT_KEY, &text);
            })
            .await;
    }

    /// Publishes what gossip receives to the other parts of this peer. Runs until it is dropped.
    pub(crate) async fn follow_reports(&self, peer: &PeerState) {
        let mut changes = self.handle.chitchat().lock().await.live_nodes_watcher();
        loop {
            let own = peer.members().identity.uid.clone();
            let (new, uses_earlier_names) =
                self.handle.with_chitchat(|chitchat| collect_reports(chitchat, own.as_ref())).await;
            #[cfg(test)]
            let new = links::without_cut_gossip(&peer.own_address(), new, &peer.reports());
            // Before the reports: the driver publishes its own after each change of them.
            self.uses_earlier_names.store(uses_earlier_names, Ordering::Relaxed);
            peer.reports_sender().send_if_modified(|old| {
                let changed = **old != new;
                if changed {
                    *old = Arc::new(new);
                }
                changed
            });
            // The watcher does not signal changed reports of peers that are down.
            let _ = timeout(self.timing.gossip_interval * 2, changes.changed()).await;
        }
    }

    /// Sends gossip to members that are not live. Runs until it is dropped.
    pub(crate) async fn discover_members(&self, peer: &PeerState) {
        let mut ticks = interval(self.timing.discovery_interval);
        loop {
            ticks.tick().await;
            for host in missing_members(&self.name, peer) {
                // A name that does not resolve belongs to a pod that does not exist yet.
                if let Ok(addresses) = resolve(&host, RESOLVE_TIMEOUT).await {
                    for address in addresses {
                        let _ = self.handle.gossip(address);
                    }
                }
            }
        }
    }
}

impl Drop for Gossip {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// The addresses of the members that are not live, without the peer itself.
fn missing_members(own_name: &str, peer: &PeerState) -> BTreeSet<String> {
    let (members, reports) = (peer.members(), peer.reports());
    members
        .layout
        .members()
        .iter()
        .filter(|name| *name != own_name && !reports.is_live(name))
        .filter_map(|name| Some(members.address_of(name)?.0.clone()))
        .collect()
}

/// The newest generation of each peer that chitchat knows, without those of other Architectures, and
/// whether one of them knows only earlier names.
fn collect_reports(chitchat: &mut Chitchat, own: Option<&ArchitectureUid>) -> (Reports, bool) {
    let live_ids: BTreeSet<ChitchatId> = chitchat.live_nodes().cloned().collect();
    let (mut reports, mut with_earlier_names) = (BTreeMap::new(), BTreeSet::new());
    // Ordered by name and, within a name, by generation: the newest overwrites the older ones.
    for (id, state) in chitchat.node_states() {
        if is_stranger(state.get(ARCHITECTURE_KEY), own) {
            continue;
        }
        let text = state.get(REPORT_KEY).unwrap_or_default();
        let report: Option<GossipReport> = serde_json::from_str(text).ok();
        match report.as_ref().is_some_and(|report| report.has_only_earlier_names(text)) {
            true => with_earlier_names.insert(id.node_id.to_string()),
            false => with_earlier_names.remove(&*id.node_id),
        };
        let live = live_ids.contains(id) && report.as_ref().is_some_and(|report| !report.stopping);
        let peer = ObservedPeer { report, live, address: id.gossip_advertise_addr };
        reports.insert(id.node_id.to_string(), peer);
    }
    (Reports(reports), !with_earlier_names.is_empty())
}

/// Whether a peer with this UID, as it states it, belongs to another Architecture than `own`.
fn is_stranger(stated: Option<&str>, own: Option<&ArchitectureUid>) -> bool {
    stated.zip(own).is_some_and(|(stated, own)| stated != own.as_str())
}

/// The address at which others reach a socket that listens on `ip`. If that is the unspecified
/// address, the routing table decides: the source address of a packet to any other host.
fn own_address(ip: IpAddr) -> Result<IpAddr, GossipError> {
    if !ip.is_unspecified() {
        return Ok(ip);
    }
    // Addresses for documentation (RFC 5737, RFC 3849). No packet is sent: connecting a UDP socket
    // only selects its source address.
    let v4 = (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into());
    let v6 = (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
    source_address(v4).or_else(|_| source_address(v6)).map_err(GossipError::Address)
}

/// The source address of packets from a socket bound to the first address to the second.
fn source_address((bind, remote): (IpAddr, IpAddr)) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((bind, 0))?;
    socket.connect((remote, 9))?;
    Ok(socket.local_addr()?.ip())
}
