//! Names and reasons of the conditions: they are part of the public API.

/// Names of the conditions.
pub mod condition_types {
    /// Whether the specification can run.
    pub const ACCEPTED: &str = "Accepted";
    /// Whether the whole model works: every component available, every edge working, users served.
    ///
    /// Without a load and without users this rests on the probes that cross every edge every few
    /// seconds, and on the entry Service: its selector and port must lead to a ready pod of the
    /// component that answers users. Only requests can prove that the cluster's proxies follow it.
    pub const READY: &str = "Ready";
    /// Whether the operator still changes the running model to match the specification.
    pub const PROGRESSING: &str = "Progressing";
    /// Whether users' requests are answered, and no write that was acknowledged to them is lost.
    pub const TRAFFIC_FLOWING: &str = "TrafficFlowing";
    /// Whether the operator works on the specification. Only while it does: kstatus' name for
    /// "in progress".
    pub const RECONCILING: &str = "Reconciling";
    /// Whether the operator cannot go on until a user fixes the cause. Only while that is so:
    /// kstatus' name for "failed".
    pub const STALLED: &str = "Stalled";
    /// Whether every peer sees every other. Only where there are peers.
    pub const OVERLAY_CONNECTED: &str = "OverlayConnected";
    /// Whether a volume is full or nearly so. Only while that is so.
    pub const VOLUME_PRESSURE: &str = "VolumePressure";
    /// Whether there are items that cannot be read. Only while that is so.
    pub const ITEMS_DAMAGED: &str = "ItemsDamaged";
}

/// Why a condition has its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The specification can run.
    Accepted,
    /// The specification cannot run.
    Refused,
    /// This version of Maquette cannot read the specification, or an object of the model.
    Unreadable,
    /// Every component is available, every edge works and users are served.
    AllWorks,
    /// An object that we need to create exists and has another owner.
    Conflict,
    /// The API server refused an object, or failed.
    ApplyFailed,
    /// An object of an earlier Architecture of the same name is still being deleted.
    WaitingForRemoval,
    /// At least one component lacks pods, or its pods are not up to date.
    ComponentsNotReady,
    /// The entry Service does not lead to the component that answers users.
    EntryBroken,
    /// At least one edge fails.
    EdgesFailing,
    /// No fresh report says whether an edge works.
    EdgesUnknown,
    /// Requests of users fail.
    RequestsFailing,
    /// The running model is being changed to match the specification.
    Evolving,
    /// Volumes are being expanded.
    VolumesGrowing,
    /// Claims in use were marked for deletion: their data goes with their pods.
    VolumesTerminating,
    /// Volumes differ from the specification and cannot be changed.
    VolumesUnchanged,
    /// A volume is full: writes are refused, reads and deletes are served.
    VolumeFull,
    /// A volume is about 90 % full or more.
    VolumeNearlyFull,
    /// Items are kept that cannot be read.
    DamagedItems,
    /// The specification cannot be reached from what runs.
    Blocked,
    /// A change waits for pods that cannot become ready without a fix.
    PodsNotReady,
    /// At least one peer does not see another.
    PeersMissing,
    /// The running model matches the specification.
    UpToDate,
    /// Requests of users are answered.
    RequestsSucceed,
    /// An acknowledged write was lost since the load started.
    WritesLost,
    /// An answer contradicted an earlier one since the load started.
    WrongAnswers,
    /// Requests of users are answered, and the load cannot keep up with its schedule.
    LoadBehind,
    /// No request ended within the window.
    NoTraffic,
    /// A report that the condition needs is missing.
    NotReported,
    /// Every peer sees every other.
    AllPeersSeen,
    /// The operator has a bug: its reconcile panicked.
    InternalError,
}

impl Reason {
    /// The reason in the status. It is public: a renamed variant keeps its text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Refused => "Refused",
            Self::Unreadable => "Unreadable",
            Self::AllWorks => "AllWorks",
            Self::Conflict => "Conflict",
            Self::ApplyFailed => "ApplyFailed",
            Self::WaitingForRemoval => "WaitingForRemoval",
            Self::ComponentsNotReady => "ComponentsNotReady",
            Self::EntryBroken => "EntryBroken",
            Self::EdgesFailing => "EdgesFailing",
            Self::EdgesUnknown => "EdgesUnknown",
            Self::RequestsFailing => "RequestsFailing",
            Self::Evolving => "Evolving",
            Self::VolumesGrowing => "VolumesGrowing",
            Self::VolumesTerminating => "VolumesTerminating",
            Self::VolumesUnchanged => "VolumesUnchanged",
            Self::VolumeFull => "VolumeFull",
            Self::VolumeNearlyFull => "VolumeNearlyFull",
            Self::DamagedItems => "DamagedItems",
            Self::Blocked => "Blocked",
            Self::PodsNotReady => "PodsNotReady",
            Self::PeersMissing => "PeersMissing",
            Self::UpToDate => "UpToDate",
            Self::RequestsSucceed => "RequestsSucceed",
            Self::WritesLost => "WritesLost",
            Self::WrongAnswers => "WrongAnswers",
            Self::LoadBehind => "LoadBehind",
            Self::NoTraffic => "NoTraffic",
            Self::NotReported => "NotReported",
            Self::AllPeersSeen => "AllPeersSeen",
            Self::InternalError => "InternalError",
        }
    }
}
