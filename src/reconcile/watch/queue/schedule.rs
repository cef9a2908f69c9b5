//! Which Architecture is reconciled next. Each is in the schedule once, and in one reconcile at a
//! time; so its size is bounded by the number of Architectures.

use super::super::super::key::ArchitectureKey;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Events within this time after the first one count as one: the creation of an object causes many.
/// Later ones do not put the reconcile off.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Why an Architecture is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reconcile) enum Urgency {
    /// Something happened to its objects or pods, or a wait ended.
    Event,
    /// The status is not of this specification yet.
    ChangedSpec,
}

/// When an Architecture is reconciled next, if no event comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum NextTurn {
    OnEvent,
    After(Duration),
    /// The reconcile did not begin: it keeps its urgency.
    PutOff(Duration),
}

/// What the reader of the queue does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextStart {
    /// A reconcile starts. `was_requested`: by an event, not by a wait that ended.
    Now { key: Arc<ArchitectureKey>, was_requested: bool },
    /// None is due before this time or before the next request.
    At(Option<Instant>),
}

/// The place in the order: when it is due, then the order of arrival.
type Place = (Instant, u64);

/// The Architectures that wait, and those that are in a reconcile.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    entries: HashMap<Arc<ArchitectureKey>, Entry>,
    /// Those that are in no reconcile, by urgency.
    changed_specs: BTreeMap<Place, Arc<ArchitectureKey>>,
    others: BTreeMap<Place, Arc<ArchitectureKey>>,
    arrivals: u64,
    last_start: Option<(Instant, Urgency)>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The urgency of the reconcile that is in progress.
    running: Option<Urgency>,
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: Place,
    urgency: Urgency,
    /// An event requested it; else it is a wait of an earlier reconcile.
    is_requested: bool,
}

impl Schedule {
    /// Requests a reconcile. Returns whether none was requested yet.
    pub(super) fn request(&mut self, key: ArchitectureKey, urgency: Urgency, now: Instant) -> bool {
        let due = match urgency {
            Urgency::Event => now + DEBOUNCE,
            Urgency::ChangedSpec => now,
        };
        let place = self.new_place(due);
        let shared = self.entries.get_key_value(&key).map(|(shared, _)| Arc::clone(shared));
        let shared = shared.unwrap_or_else(|| Arc::new(key));
        self.add(shared, Waiting { place, urgency, is_requested: true })
    }

    fn new_place(&mut self, due: Instant) -> Place {
        self.arrivals += 1;
        (due, self.arrivals)
    }

    /// Adds `new`, or merges it with what waits already: the earlier place and the higher urgency
    /// count. Returns whether it is the first request.
    fn add(&mut self, key: Arc<ArchitectureKey>, new: Waiting) -> bool {
        let entry = self.entries.entry(Arc::clone(&key)).or_default();
        let before = entry.waiting;
        let merged = before.map_or(new, |before| Waiting {
            place: before.place.min(new.place),
            urgency: before.urgency.max(new.urgency),
            is_requested: before.is_requested || new.is_requested,
        });
        entry.waiting = Some(merged);
        // What is requested during a reconcile gets its place at the end of that.
        if entry.running.is_none() {
            if let Some(before) = before {
                self.waiting_mut(before.urgency).remove(&before.place);
            }
            self.waiting_mut(merged.urgency).insert(merged.place, key);
        }
        merged.is_requested && !before.is_some_and(|before| before.is_requested)
    }

    fn waiting_mut(&mut self, urgency: Urgency) -> &mut BTreeMap<Place, Arc<ArchitectureKey>> {
        match urgency {
            Urgency::Event => &mut self.others,
            Urgency::ChangedSpec => &mut self.changed_specs,
        }
    }

    /// Starts the next reconcile that is due at `now`: while both kinds wait, they take turns, and
    /// of each kind the longest wait is first. So a burst of new Architectures neither waits for the
    /// events that it causes, nor holds back the others.
    pub(super) fn start_next(&mut self, now: Instant) -> NextStart {
        let changed = self.changed_specs.keys().next().copied();
        let other = self.others.keys().next().copied();
        let is_due = |place: &Option<Place>| place.is_some_and(|(due, _)| due <= now);
        let urgency = match (is_due(&changed), is_due(&other)) {
            (false, false) => {
                let next = changed.into_iter().chain(other).min();
                return NextStart::At(next.map(|(due, _)| due));
            }
            (true, true) if self.was_last_start(Urgency::ChangedSpec) => Urgency::Event,
            (true, _) => Urgency::ChangedSpec,
            (false, true) => Urgency::Event,
        };
        self.last_start = Some((now, urgency));
        let Some((_, key)) = self.waiting_mut(urgency).pop_first() else {
            return NextStart::At(None);
        };
        let entry = self.entries.entry(Arc::clone(&key)).or_default();
        entry.running = Some(urgency);
        let was_requested = entry.waiting.take().is_some_and(|waiting| waiting.is_requested);
        NextStart::Now { key, was_requested }
    }

    fn was_last_start(&self, urgency: Urgency) -> bool {
        self.last_start.is_some_and(|(_, last)| last == urgency)
    }

    /// The reconcile has ended.
    pub(super) fn end(&mut self, key: &ArchitectureKey, next: NextTurn, now: Instant) {
        let Some((key, Entry { running, waiting })) = self.entries.remove_entry(key) else {
            return;
        };
        let next = match next {
            NextTurn::OnEvent => None,
            NextTurn::After(wait) => Some((wait, Urgency::Event)),
            NextTurn::PutOff(wait) => Some((wait, running.unwrap_or(Urgency::Event))),
        };
        let next = next.map(|(wait, urgency)| Waiting {
            place: self.new_place(now + wait),
            urgency,
            is_requested: false,
        });
        for one in waiting.into_iter().chain(next) {
            self.add(Arc::clone(&key), one);
        }
    }

    /// Whether one is due for longer than `limit`, and none was started for as long.
    pub(super) fn is_stuck(&self, limit: Duration, now: Instant) -> bool {
        let last_start = self.last_start.map(|(at, _)| at);
        let mut waiting = self.entries.values().filter_map(|entry| entry.waiting);
        waiting.any(|waiting| {
            let (due, _) = waiting.place;
            let since = last_start.map_or(due, |started| started.max(due));
            now.saturating_duration_since(since) > limit
        })
    }

    /// The number of Architectures, and of their places in the order.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.changed_specs.len() + self.others.len())
    }
}
