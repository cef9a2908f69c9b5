//! What makes the replies of several peers count together: see [`crate::peer::coordinate`].

use crate::peer::membership::{Fence, Refusal, VolumeId, Volumes};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// What an operation of a coordinator relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperationTerms {
    pub(crate) fence: Fence,
    /// The volumes that the coordinator knows, as [`digest_volumes`].
    pub(crate) volumes: u64,
}

/// What a replica attests with its reply, as it is when the copy has been read, or is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attestation {
    /// The volume of the replica.
    pub(crate) volume: VolumeId,
    /// The volumes of all peers that it knows.
    pub(crate) others: Volumes,
    /// Why the reply does not count.
    pub(crate) refusal: Option<Refusal>,
}

/// An [`Attestation`] on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttestationMessage {
    volume: VolumeId,
    /// `None` if they are those of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<Volumes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

impl AttestationMessage {
    /// Of a reply that attests nothing: it counts as one from a volume that no peer names.
    pub(super) fn unattested() -> Self {
        Self { volume: VolumeId(0), others: Some(Volumes::new()), refusal: None }
    }

    pub(super) fn new(attestation: Attestation, terms: &OperationTerms) -> Self {
        let Attestation { volume, others, refusal } = attestation;
        let others = (digest_volumes(&others) != terms.volumes).then_some(others);
        Self { volume, others, refusal }
    }

    /// `sent` are the volumes that the coordinator knew when it sent the request.
    pub(super) fn resolve(self, sent: &Volumes) -> Attestation {
        let Self { volume, others, refusal } = self;
        Attestation { volume, others: others.unwrap_or_else(|| sent.clone()), refusal }
    }
}

/// A hash of the volumes: equal volumes have equal hashes on every peer.
pub(crate) fn digest_volumes(volumes: &Volumes) -> u64 {
    let mut hasher = SipHasher13::new();
    for (name, VolumeId(id)) in volumes {
        hasher.write(name.as_bytes());
        // Ends the name: no UTF-8 text contains this byte.
        hasher.write_u8(0xff);
        hasher.write(&id.to_le_bytes());
    }
    hasher.finish()
}
