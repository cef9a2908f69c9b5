//! Who is up, and what each peer reports of itself: chitchat over UDP.
//!
//! A peer's identity is its pod's name; a restart is a new generation of it, usually with another
//! address. Members that are not seen are looked for by resolving their names again and again, so
//! that peers find each other in whatever order they start.

use super::{
    members::Members,
    report::{GossipReport, ObservedPeer, Reports},
    timing::Timing,
};
use chitchat::{
    Chitchat, ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, ProtocolVersion,
    spawn_chitchat, transport::UdpTransport,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::lookup_host,
    sync::watch,
    time::{interval, timeout},
};

/// Where a peer's report is among its gossip.
const REPORT_KEY: &str = "report";
/// A peer is held to be down when it was silent this many times longer than usual.
const PHI_THRESHOLD: f64 = 8.0;
/// Intervals between heartbeats that the detector remembers.
const HEARTBEAT_SAMPLES: usize = 200;
/// How long what is known of a peer that went is kept.
const DEAD_PEER_RETENTION: Duration = Duration::from_secs(3600);
/// How long a name may take to resolve.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there can be no gossip.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// The port cannot be had.
    #[error("cannot gossip on UDP {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What chitchat says.
        reason: String,
    },
    /// This pod's own address cannot be told.
    #[error("cannot tell this pod's own address: {0}")]
    Address(io::Error),
}

/// Who gossips, and where.
pub(super) struct GossipIdentity {
    /// The pod's name.
    pub(super) name: String,
    /// Grows with each start.
    pub(super) generation: u64,
    /// Keeps apart the peers of different Architectures.
    pub(super) overlay: String,
    /// Where to listen.
    pub(super) listen: SocketAddr,
}

/// The gossip of one peer. Ends when dropped.
pub(super) struct Gossip {
    name: String,
    handle: ChitchatHandle,
    timing: Timing,
}

impl Gossip {
    /// Begins to gossip. Nobody is known yet.
    pub(super) async fn start(
        identity: GossipIdentity,
        timing: Timing,
    ) -> Result<Self, GossipError> {
        let GossipIdentity { name, generation, overlay, listen } = identity;
        let own = SocketAddr::new(own_address(listen.ip())?, listen.port());
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(name.as_str(), generation, own),
            cluster_id: overlay,
            gossip_interval: timing.gossip_interval,
            listen_addr: listen,
            // Chitchat resolves names once a minute: `seek` does it as often as it takes.
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
        Ok(Self { name, handle, timing })
    }

    /// Tells the others.
    pub(super) async fn publish_report(&self, report: &GossipReport) {
        let Ok(text) = serde_json::to_string(report) else { return };
        // Setting what is set already costs no gossip.
        self.handle
            .with_chitchat(|chitchat| chitchat.self_node_state().set(REPORT_KEY, &text))
            .await;
    }

    /// Keeps `reports` true until this is dropped.
    pub(super) async fn follow_reports(&self, reports: &watch::Sender<Arc<Reports>>) {
        let mut changes = self.handle.chitchat().lock().await.live_nodes_watcher();
        loop {
            let new = self.handle.with_chitchat(collect_reports).await;
            reports.send_if_modified(|old| {
                let changed = **old != new;
                if changed {
                    *old = Arc::new(new);
                }
                changed
            });
            // Reports of peers that are held to be down change without notice.
            let _ = timeout(self.timing.gossip_interval * 2, changes.changed()).await;
        }
    }

    /// Looks for members that are not seen, until this is dropped.
    pub(super) async fn discover_members(
        &self,
        members: &watch::Receiver<Members>,
        reports: &watch::Receiver<Arc<Reports>>,
    ) {
        let mut ticks = interval(self.timing.discovery_interval);
        loop {
            ticks.tick().await;
            let missing: BTreeSet<String> = {
                let (members, reports) = (members.borrow(), reports.borrow());
                let others = members.layout.members().iter().filter(|name| **name != self.name);
                let missing = others.filter(|name| !reports.is_live(name));
                missing.filter_map(|name| Some(members.address_of(name)?.0.clone())).collect()
            };
            for address in missing {
                // A name that does not resolve belongs to a pod that is not there yet.
                if let Ok(Ok(found)) = timeout(RESOLVE_TIMEOUT, lookup_host(address)).await {
                    for address in found {
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

/// What chitchat knows, by name: of the newest generation of each.
fn collect_reports(chitchat: &mut Chitchat) -> Reports {
    let live: BTreeSet<ChitchatId> = chitchat.live_nodes().cloned().collect();
    let mut reports = BTreeMap::new();
    // In the order of names and, within a name, of generations: the newest stays.
    for (id, state) in chitchat.node_states() {
        let report: Option<GossipReport> =
            state.get(REPORT_KEY).and_then(|text| serde_json::from_str(text).ok());
        let live = live.contains(id) && report.as_ref().is_some_and(|report| !report.stopping);
        let seen = ObservedPeer { report, live, address: id.gossip_advertise_addr };
        reports.insert(id.node_id.to_string(), seen);
    }
    Reports(reports)
}

/// The address at which others reach a socket that listens on `ip`. Where that is all addresses,
/// the routing table tells: the one from which a packet to anywhere else would be sent. None is.
fn own_address(ip: IpAddr) -> Result<IpAddr, GossipError> {
    if !ip.is_unspecified() {
        return Ok(ip);
    }
    // Addresses for documentation (RFC 5737, RFC 3849): nobody has them.
    let elsewhere: [(IpAddr, IpAddr); 2] = [
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
    ];
    let source = |(from, to): (IpAddr, IpAddr)| {
        let socket = UdpSocket::bind((from, 0))?;
        socket.connect((to, 9))?;
        Ok(socket.local_addr()?.ip())
    };
    let [v4, v6] = elsewhere;
    source(v4).or_else(|_| source(v6)).map_err(GossipError::Address)
}
