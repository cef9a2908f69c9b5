//! The inputs of an assessment, which the reconciler fills: which Architecture it is, what should
//! run now, and what the steps of this reconcile did.

use crate::{
    api::{ArchitectureStatus, EvolutionStep, Shape, VolumeStatus},
    plan::{Component, Identity},
};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// The Architecture, and its status so far.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name, namespace and UID.
    pub identity: &'a Identity,
    /// `metadata.generation` of the specification.
    pub generation: i64,
    /// The installation of the operator that builds it, if that has a name.
    pub operator: Option<&'a str>,
    /// The status that was written last. It gives the times of transitions that did not happen
    /// again.
    pub previous: Option<&'a ArchitectureStatus>,
}

/// What should run now, and the change that it is a step of.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whether the specification can run.
    pub acceptance: Acceptance,
    /// The shape that serves, if that is known.
    pub shape: Option<Shape>,
    /// The components that should run now.
    pub components: Vec<Component>,
    /// The component behind the entry Service.
    pub entry: Option<ComponentName>,
    /// The change that is in progress, if one is.
    pub evolution: Option<ActiveEvolution>,
    /// What must happen before the next step of the change, one line each.
    pub waits: Vec<String>,
    /// The change of pods that waits for other Architectures and has not begun. It explains nothing
    /// that does not work, so `Ready` does not read it.
    pub slot_wait: Option<String>,
    /// Why the specification cannot be reached from what runs, one line each, with the fix.
    pub blockers: Vec<String>,
    /// Why the change of pods does not go on without a fix, one line each.
    pub stops: Vec<String>,
}

/// The result of the steps of one reconcile. The steps fill it; the assessment borrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOutcome {
    /// Components whose workload or configuration this reconcile wrote.
    pub changing: BTreeSet<ComponentName>,
    /// What keeps the operator from applying the target.
    pub issues: Vec<Issue>,
    /// What the steps leave for a later reconcile, one line each.
    pub waits: Vec<String>,
    /// Volumes that no component uses any more.
    pub volumes: Vec<VolumeStatus>,
    /// Volumes that differ from the specification.
    pub volume_notes: Vec<VolumeNote>,
}

/// Whether the specification can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The specification can run.
    Accepted {
        /// For the condition's message, such as members that this shape does not use.
        note: String,
    },
    /// The specification cannot run; the running model is unchanged.
    Refused {
        /// Every problem and its fix.
        problems: String,
    },
    /// This version cannot read the specification; the running model is unchanged.
    Unreadable {
        /// The field, and what is wrong with it.
        problem: String,
    },
}

/// A change of the running model that is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveEvolution {
    /// The shape that serves at the end.
    pub to: Shape,
    /// The step that is in progress.
    pub step: EvolutionStep,
}

/// Something that keeps the operator from applying the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What kind of issue; it decides the reason of the conditions.
    pub kind: IssueKind,
    /// The object, what is wrong and the fix, in one line.
    pub message: String,
}

/// The kinds of issues, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssueKind {
    /// An object of an earlier Architecture of the same name is still being deleted.
    Removal,
    /// The API server did not answer, or answered 408, 429 or 5xx.
    Unavailable,
    /// The API server refused an object.
    Failed,
    /// Another client works against what we apply.
    Conflict,
    /// An object that we need to create exists and has another owner: nothing else is written.
    NameTaken,
    /// An object of the model exists that this version cannot read.
    Unreadable,
}

impl IssueKind {
    /// Whether it can pass without a change by a user.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Removal | Self::Unavailable)
    }
}

/// That a volume differs from the specification. It is used as it is; no other change waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeNote {
    /// The volume is being expanded.
    Growing(String),
    /// The claim was marked for deletion and ends with its pod.
    Terminating(String),
    /// The volume stays as it is; the reason and the fix, in one line.
    Unchanged(String),
}
