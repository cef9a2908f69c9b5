//! Reads and writes of the model: the rules of quorums, fences and volumes are real.

use super::simulation::{ITEMS, PEERS, Simulation, key, name};
use crate::peer::{
    coordinate::{Quorum, VolumeCheck, VolumeVerdict},
    membership::{LayoutTransition, Phase, Refusal, VolumeId, Volumes},
    network::Attestation,
};
use std::collections::BTreeSet;

/// A read or a write that goes on until enough owners have its version.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    item: usize,
    version: u64,
    holders: BTreeSet<String>,
    volumes: VolumeCheck,
    adopted: Vec<LayoutTransition>,
    /// What the requests of the first round of a write name; some of them may arrive late.
    first_round: Option<Quorum>,
}

impl Operation {
    fn new(item: usize) -> Self {
        Self {
            item,
            version: 0,
            holders: BTreeSet::new(),
            volumes: VolumeCheck::default(),
            adopted: vec![],
            first_round: None,
        }
    }

    /// Whether the reply counts.
    fn admit(&mut self, peer: usize, attestation: &Attestation) -> bool {
        let VolumeVerdict { counts, dropped } = self.volumes.admit(&name(peer), attestation);
        self.holders.retain(|holder| !dropped.contains(holder));
        counts
    }

    /// Adopts the layouts of a refusal. Returns whether they are new.
    fn adopt(&mut self, refusal: Refusal) -> bool {
        let Refusal::OtherLayouts(transition) = refusal else { return false };
        let is_new = !self.adopted.contains(&transition);
        if is_new {
            self.adopted.push(transition);
        }
        is_new
    }
}

impl Simulation {
    fn quorum(&self, via: usize, operation: &Operation) -> Option<Quorum> {
        let Phase::Active(transition) = &self.peers[via].state.phase else { return None };
        let key = key(operation.item);
        let mut quorum = self.peers[via].up.then(|| Quorum::new(transition, &key))?;
        operation.adopted.iter().for_each(|transition| quorum.extend(transition, &key));
        Some(quorum)
    }

    /// The owners that reply: they are up, and `mask` does not lose their reply.
    fn answering_owners(&self, quorum: &Quorum, mask: u8) -> Vec<usize> {
        let owners = quorum.all_owners();
        let answers = |peer: &usize| {
            owners.contains(&name(*peer)) && self.peers[*peer].up && mask & (1 << peer) != 0
        };
        (0..PEERS).filter(answers).collect()
    }

    fn attestation(&self, peer: usize) -> Attestation {
        let volume = VolumeId(self.peers[peer].volume);
        let reports = &self.peers[peer].reports;
        let others = if self.rules.volumes { reports.volumes() } else { Volumes::new() };
        Attestation { volume, others, refusal: None }
    }

    fn check_read(&self, peer: usize, quorum: &Quorum) -> Result<(), Refusal> {
        if self.rules.fences { self.peers[peer].state.check_read(&quorum.fence()) } else { Ok(()) }
    }

    fn check_write(&self, peer: usize, quorum: &Quorum) -> Result<(), Refusal> {
        if self.rules.fences { self.peers[peer].state.check_write(&quorum.fence()) } else { Ok(()) }
    }

    fn stored(&self, peer: usize, item: usize) -> u64 {
        self.peers[peer].disk.get(&item).copied().unwrap_or(0)
    }

    /// Reads the newest version and its holders; `None` if no read quorum replies.
    fn read_newest(&self, via: usize, item: usize, mask: u8) -> Option<Operation> {
        let mut read = Operation::new(item);
        let mut voters = BTreeSet::new();
        // Two rounds, so that peers whose volume was in doubt are asked again.
        for _ in 0..2 {
            let mut has_adopted = true;
            while has_adopted {
                has_adopted = false;
                let quorum = self.quorum(via, &read)?;
                (voters, read.holders) = (BTreeSet::new(), BTreeSet::new());
                read.volumes.begin_round();
                for peer in self.answering_owners(&quorum, mask) {
                    if let Err(refusal) = self.check_read(peer, &quorum) {
                        has_adopted |= read.adopt(refusal);
                        continue;
                    }
                    if self.stored(peer, item) > read.version {
                        read.version = self.stored(peer, item);
                        read.holders.clear();
                    }
                    if read.admit(peer, &self.attestation(peer)) {
                        if self.peers[peer].state.votes_for(&name(peer), &key(item)) {
                            voters.insert(name(peer));
                        }
                        if self.stored(peer, item) == read.version {
                            read.holders.insert(name(peer));
                        }
                    }
                }
            }
        }
        self.quorum(via, &read)?.is_readable_from(&voters).then_some(read)
    }

    /// One round: writes the version to the owners that reply and are not known to have it.
    fn store_copies(&mut self, via: usize, operation: &mut Operation, mask: u8) {
        let Some(quorum) = self.quorum(via, operation) else { return };
        operation.volumes.begin_round();
        self.deliver_copies(&quorum, operation, mask);
        operation.first_round.get_or_insert(quorum);
    }

    /// Requests that name the layouts of this quorum arrive.
    fn deliver_copies(&mut self, quorum: &Quorum, operation: &mut Operation, mask: u8) {
        for peer in self.answering_owners(quorum, mask) {
            if operation.holders.contains(&name(peer)) {
                continue;
            }
            let stored = self.peers[peer].disk.entry(operation.item).or_default();
            *stored = operation.version.max(*stored);
            match self.check_write(peer, quorum) {
                Ok(()) if operation.admit(peer, &self.attestation(peer)) => {
                    operation.holders.insert(name(peer));
                }
                Ok(()) => {}
                Err(refusal) => drop(operation.adopt(refusal)),
            }
        }
    }

    /// Acknowledges the operation if enough owners have its version. Returns whether they have.
    fn acknowledge(&mut self, via: usize, operation: &Operation) -> bool {
        let is_durable = self
            .quorum(via, operation)
            .is_some_and(|quorum| quorum.is_durable_on(&operation.holders));
        if is_durable {
            let newest = self.acknowledged.entry(operation.item).or_default();
            *newest = operation.version.max(*newest);
        }
        is_durable
    }

    /// A read, which goes on with [`Self::continue_operation`] if its result is not durable yet.
    pub(super) fn read(&mut self, via: usize, item: usize, mask: u8) {
        let Some(mut read) = self.read_newest(via, item, mask) else { return };
        let (version, expected) =
            (read.version, self.acknowledged.get(&item).copied().unwrap_or(0));
        if version < expected {
            self.violation = Some(format!("item {item} via {via}: {version} after {expected}"));
        }
        self.reads += 1;
        if version > 0 && !self.acknowledge(via, &read) {
            self.store_copies(via, &mut read, mask);
            if !self.acknowledge(via, &read) {
                self.peers[via].operations.push(read);
            }
        }
    }

    pub(super) fn begin_write(&mut self, via: usize, item: usize, mask: u8) {
        self.begin_write_with(via, item, mask.rotate_left(1), mask);
    }

    /// A write whose read and whose first round reach these peers.
    pub(super) fn begin_write_with(&mut self, via: usize, item: usize, read_mask: u8, mask: u8) {
        if let Some(read) = self.read_newest(via, item, read_mask) {
            self.clock += 1;
            let mut write = Operation { version: self.clock, holders: BTreeSet::new(), ..read };
            self.store_copies(via, &mut write, mask);
            self.peers[via].operations.push(write);
        }
    }

    /// Another round of the newest operation.
    pub(super) fn continue_operation(&mut self, via: usize, mask: u8) {
        if let Some(mut operation) = self.peers[via].operations.pop() {
            self.store_copies(via, &mut operation, mask);
            self.peers[via].operations.push(operation);
        }
    }

    /// Requests of the first round arrive after others, whatever has changed meanwhile.
    pub(super) fn deliver_late(&mut self, via: usize, mask: u8) {
        if let Some(mut operation) = self.peers[via].operations.pop() {
            if let Some(quorum) = operation.first_round.clone() {
                self.deliver_copies(&quorum, &mut operation, mask);
            }
            self.peers[via].operations.push(operation);
        }
    }

    pub(super) fn end_operation(&mut self, via: usize) {
        if let Some(operation) = self.peers[via].operations.pop() {
            self.acknowledge(via, &operation);
        }
    }

    /// Any read via any peer finds the acknowledged version, whichever owners reply. If some read
    /// quorum could miss it, then all peers that lack it would be a read quorum.
    pub(super) fn find_stale_read(&mut self) {
        for (via, item) in (0..PEERS).flat_map(|via| (0..ITEMS).map(move |item| (via, item))) {
            let expected = self.acknowledged.get(&item).copied().unwrap_or(0);
            let mut read = Operation::new(item);
            while let Some(quorum) = self.quorum(via, &read) {
                let (mut lacking, mut has_adopted) = (BTreeSet::new(), false);
                for peer in (0..PEERS).filter(|peer| self.peers[*peer].up) {
                    let is_lacking = self.peers[peer].state.votes_for(&name(peer), &key(item))
                        && self.stored(peer, item) < expected;
                    match self.check_read(peer, &quorum) {
                        Ok(()) if is_lacking => drop(lacking.insert(name(peer))),
                        Ok(()) => {}
                        Err(refusal) => has_adopted |= is_lacking && read.adopt(refusal),
                    }
                }
                if quorum.is_readable_from(&lacking) {
                    let hidden =
                        format!("item {item}: via {via}, {lacking:?} would hide {expected}");
                    self.violation = Some(hidden);
                }
                if !has_adopted {
                    break;
                }
            }
        }
    }
}
