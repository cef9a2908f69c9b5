//! Follows the configuration and the other peers, one step at a time, and reports the progress.
//!
//! Alone changes this peer's [`MemberState`]. A step is on disk before it takes effect, and so is
//! what this peer tells others that it remembers of their volumes.

use super::{
    gossip::Gossip,
    memory::{VolumeMemory, VolumeProgress},
    peer_state::PeerState,
    phase::{MemberState, Phase},
    report::{GossipReport, Reports},
    state_file::{SavedState, StateFile, StateFileError},
    transition::PeerTransition,
};
use crate::runtime::{Shutdown, shutdown::ShutdownStage, wall_millis};
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How often the mark of the volume grows while items are written, and how often the marks of
/// others are saved.
const MARK_INTERVAL: Duration = Duration::from_secs(5);

/// The connections to the other peers, as far as membership needs them.
pub(crate) trait MemberLinks: Send + Sync {
    /// The layouts in force at another peer; `None` if it does not reply in time.
    fn get_transition(&self, name: &str) -> impl Future<Output = Option<PeerTransition>> + Send;

    /// Closes connections to peers that are neither members nor live.
    fn close_unused_connections(&self);
}

/// The state of a volume when the process started.
pub(crate) struct StartedVolume {
    /// The newest mark that was on the volume.
    pub(crate) found: u64,
    /// The mark of this start.
    pub(crate) boot: u64,
    /// The state that is on disk now.
    pub(crate) saved: SavedState,
    /// The number of commits so far.
    pub(crate) commits: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Drives one peer through the phases of membership.
pub(crate) struct MembershipDriver<L> {
    pub(crate) peer: Arc<PeerState>,
    pub(crate) links: Arc<L>,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) state_file: StateFile,
    pub(crate) volume: StartedVolume,
    /// What to report as [`GossipReport::checked`].
    pub(crate) checked_peers: watch::Receiver<BTreeMap<String, u64>>,
    /// How long until a step that failed is tried again.
    pub(crate) retry_interval: Duration,
    /// How long members that are not up have to come up, before a majority begins without them.
    pub(crate) solo_timeout: Duration,
    pub(crate) shutdown: Shutdown,
}

/// When the state was last saved, and the number of commits then.
struct LastMark {
    at: Instant,
    commits: u64,
}

impl<L: MemberLinks> MembershipDriver<L> {
    /// Runs until it is dropped, or the state file cannot be written.
    pub(crate) async fn run(mut self) -> StateFileError {
        let mut members = self.peer.subscribe_members();
        let mut reports = self.peer.subscribe_reports();
        let started = Instant::now();
        let mut last = LastMark { at: started, commits: (self.volume.commits)() };
        loop {
            let mut state = (*self.peer.member()).clone();
            let known = Arc::clone(&reports.borrow_and_update());
            let waited = started.elapsed() >= self.solo_timeout;
            {
                let members = members.borrow_and_update();
                state.set_configured(members.layout.clone());
                state.trust.fresh &= !members.have_changed;
            }
            self.follow_volumes(&mut state, &known, waited);
            while state.advance(self.peer.name(), &known) {}
            self.try_join(&mut state).await;
            let memory = self.remember_volumes(&known);
            if let Err(error) = self.commit_state(state, memory, &mut last).await {
                return error;
            }
            self.links.close_unused_connections();
            let checked = self.checked_peers.borrow_and_update().clone();
            let architecture = self.peer.members().identity.uid.clone();
            self.gossip.publish_report(&self.own_report(checked), architecture.as_ref()).await;
            let stopping = self.is_stopping();
            let change = async {
                tokio::select! {
                    _ = reports.changed() => {}
                    _ = self.checked_peers.changed() => {}
                    _ = members.changed() => {}
                    () = self.shutdown.wait_until_requested(), if !stopping => {}
                }
            };
            // The timeout retries what failed.
            let _ = timeout(self.retry_interval, change).await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.stage() >= ShutdownStage::LameDuck
    }

    fn own_report(&self, checked: BTreeMap<String, u64>) -> GossipReport {
        let state = self.peer.member();
        GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked,
            stopping: self.is_stopping(),
            volume: Some(self.peer.volume()),
            progress: Some(self.progress()),
            known: self.volume.saved.known.clone(),
        }
    }

    /// The progress of this peer's volume, as it is on disk.
    fn progress(&self) -> VolumeProgress {
        VolumeProgress { boot: self.volume.boot, mark: self.volume.saved.generation }
    }

    /// Whether this peer votes may depend on what others remember of its volume.
    fn follow_volumes(&self, state: &mut MemberState, reports: &Reports, waited: bool) {
        let (own_name, start) = (self.peer.name(), (self.volume.boot, self.volume.found));
        let was_outdated = state.trust.outdated;
        state.compare_volume(own_name, start, reports, waited);
        if state.trust.outdated && !was_outdated {
            tracing::warn!(
                "the volume is older than other peers remember, as after a restore from a \
                 snapshot: this peer does not vote until they have checked its copies; if that \
                 does not happen, empty the volume"
            );
        }
        state.notice_majority(own_name, reports);
        state.begin_if_known(own_name, self.peer.volume(), reports, waited);
        state.clear_checked(own_name, reports);
        state.adopt_second_votes(own_name, reports);
    }

    /// What is on disk of the volumes of others, and what the reports add to it.
    fn remember_volumes(&self, reports: &Reports) -> VolumeMemory {
        let mut memory = self.volume.saved.known.clone();
        for (name, peer) in &reports.0 {
            let Some(report) = &peer.report else { continue };
            memory.merge(&report.known);
            if let (Some(volume), Some(progress)) = (report.volume, report.progress) {
                memory.meet(name, volume, progress);
            }
        }
        memory.meet(self.peer.name(), self.peer.volume(), self.progress());
        memory
    }

    /// A joining peer becomes active once all other members that are up have sent it the copies
    /// that it must have.
    async fn try_join(&self, state: &mut MemberState) {
        let (own_name, reports) = (self.peer.name(), self.peer.reports());
        let Some(unchecked) = state.unchecked_members(own_name, &reports) else { return };
        let mut transitions = Vec::new();
        for other in state.configured.members().iter().filter(|name| *name != own_name) {
            if unchecked.contains(other) {
                continue;
            }
            let Some(transition) = self.links.get_transition(other).await else { return };
            transitions.push(transition);
        }
        state.complete_join(&transitions, unchecked);
    }

    /// Writes a state and what is remembered to disk, then puts the state in force.
    async fn commit_state(
        &mut self,
        state: MemberState,
        known: VolumeMemory,
        last: &mut LastMark,
    ) -> Result<(), StateFileError> {
        let transition = match &state.phase {
            Phase::Active(transition) => Some(transition.clone()),
            Phase::Joining | Phase::Removed => None,
        };
        let before = &self.volume.saved;
        let commits = (self.volume.commits)();
        let is_due = last.at.elapsed() >= MARK_INTERVAL;
        let is_step = before.transition != transition || before.trust != state.trust;
        let is_urgent = is_step || !before.known.has_same_first_volumes(&known);
        if is_urgent || (is_due && (commits != last.commits || before.known != known)) {
            let generation = match commits == last.commits {
                true => before.generation,
                false => wall_millis().max(before.generation + 1),
            };
            let (volume, trust) = (Some(self.peer.volume()), state.trust.clone());
            let saved = SavedState { generation, transition, volume, trust, known };
            self.save(saved).await?;
            *last = LastMark { at: Instant::now(), commits };
        }
        self.put_in_force(state);
        Ok(())
    }

    async fn save(&mut self, saved: SavedState) -> Result<(), StateFileError> {
        let (file, content) = (self.state_file.clone(), saved.clone());
        let saving = tokio::task::spawn_blocking(move || file.save(&content));
        // The task is cancelled only when the runtime ends.
        saving.await.unwrap_or(Ok(()))?;
        self.volume.saved = saved;
        Ok(())
    }

    fn put_in_force(&self, state: MemberState) {
        let before = self.peer.member();
        if *before == state {
            return;
        }
        if before.phase != state.phase {
            let names: Vec<&str> = state.target().members().iter().map(String::as_str).collect();
            let members = names.join(" ");
            tracing::info!(step = state.reported_step().as_str(), members, "membership changed");
        }
        self.peer.set_member(state);
    }
}
