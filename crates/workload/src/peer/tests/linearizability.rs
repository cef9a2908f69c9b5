//! A checker of linearizability: Wing and Gong, "Testing and Verifying Concurrent Objects", 1993,
//! with Lowe's memory of configurations ("Testing for Linearizability", 2017). A history is
//! linearizable if that of each item is, so each is checked by itself.
//!
//! An item is a register that begins without a value. Every write has another value.

use std::collections::HashSet;

/// What a client did with one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A read, and the value that it returned.
    Read(Option<u64>),
    Write(u64),
}

/// An operation of a client, with the times at which it began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) start: u64,
    /// `u64::MAX` for a write whose outcome is unknown: it takes effect at any later time, or never.
    pub(crate) end: u64,
    pub(crate) action: Action,
}

/// The operations that have taken effect, and the value after them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Configuration {
    /// All operations before this one have taken effect.
    first_pending: usize,
    /// Those after it that have taken effect too.
    done: Vec<usize>,
    value: Option<u64>,
}

impl Configuration {
    fn is_done(&self, operation: usize) -> bool {
        operation < self.first_pending || self.done.contains(&operation)
    }

    /// The configuration once another operation has taken effect.
    fn after(&self, operation: usize, action: Action) -> Self {
        let mut next = self.clone();
        next.done.push(operation);
        next.done.sort_unstable();
        while let Some(position) = next.done.iter().position(|it| *it == next.first_pending) {
            next.done.remove(position);
            next.first_pending += 1;
        }
        if let Action::Write(value) = action {
            next.value = Some(value);
        }
        next
    }

    /// The operations that may take effect next: no pending one ended before they began.
    fn candidates(&self, history: &[Operation]) -> Vec<usize> {
        let (mut candidates, mut earliest_end) = (Vec::new(), u64::MAX);
        for (number, operation) in history.iter().enumerate().skip(self.first_pending) {
            if operation.start > earliest_end {
                break;
            }
            if !self.is_done(number) {
                candidates.push(number);
                earliest_end = earliest_end.min(operation.end);
            }
        }
        candidates
    }
}

/// Whether the operations on one item can be put into an order in which each read returns the value
/// of the last write before it, and no operation is before one that ended before it began.
pub(crate) fn is_linearizable(operations: &[Operation]) -> bool {
    let read: HashSet<u64> = operations
        .iter()
        .filter_map(|operation| match operation.action {
            Action::Read(value) => value,
            Action::Write(_) => None,
        })
        .collect();
    // A write with an unknown outcome that no read returned may as well have had no effect.
    let mut history: Vec<Operation> = operations
        .iter()
        .filter(|operation| match operation.action {
            Action::Write(value) => operation.end != u64::MAX || read.contains(&value),
            Action::Read(_) => true,
        })
        .copied()
        .collect();
    history.sort_by_key(|operation| operation.start);
    let (mut open, mut seen) = (vec![Configuration::default()], HashSet::new());
    while let Some(configuration) = open.pop() {
        let candidates = configuration.candidates(&history);
        if candidates.is_empty() {
            return true;
        }
        let matching_read = candidates
            .iter()
            .find(|number| history[**number].action == Action::Read(configuration.value));
        // A read changes nothing: it may take effect as soon as it can.
        let next: Vec<usize> = match matching_read {
            Some(read) => vec![*read],
            None => candidates
                .into_iter()
                .filter(|number| matches!(history[*number].action, Action::Write(_)))
                .collect(),
        };
        for number in next {
            let after = configuration.after(number, history[number].action);
            if seen.insert(after.clone()) {
                open.push(after);
            }
        }
    }
    false
}

const fn operation(start: u64, end: u64, action: Action) -> Operation {
    Operation { start, end, action }
}

#[test]
fn it_accepts_concurrent_operations_in_either_order() {
    let writes = [operation(0, 10, Action::Write(1)), operation(1, 9, Action::Write(2))];
    for last in [1, 2] {
        let read = operation(11, 12, Action::Read(Some(last)));
        assert!(is_linearizable(&[writes[0], writes[1], read]));
    }
    let early = operation(2, 3, Action::Read(None));
    assert!(is_linearizable(&[writes[0], writes[1], early]));
}

#[test]
fn it_refuses_reads_that_go_back() {
    let (one, two) = (operation(0, 1, Action::Write(1)), operation(2, 3, Action::Write(2)));
    assert!(!is_linearizable(&[one, two, operation(4, 5, Action::Read(Some(1)))]));
    assert!(!is_linearizable(&[one, operation(2, 3, Action::Read(None))]));
    let concurrent = operation(2, 9, Action::Write(2));
    let reads = [operation(3, 4, Action::Read(Some(2))), operation(5, 6, Action::Read(Some(1)))];
    assert!(!is_linearizable(&[one, concurrent, reads[0], reads[1]]));
    assert!(!is_linearizable(&[operation(0, 1, Action::Read(Some(7)))]), "never written");
}

#[test]
fn a_write_takes_effect_once() {
    // A retry that made its write again: A, B, A.
    let (a, b) = (operation(0, 1, Action::Write(1)), operation(2, 3, Action::Write(2)));
    let reads = [(4, 1), (6, 2), (8, 1)]
        .map(|(start, value)| operation(start, start + 1, Action::Read(Some(value))));
    assert!(!is_linearizable(&[a, b, reads[1], reads[2]]));
    // A write without an outcome takes effect late, but only once.
    let unknown = operation(0, u64::MAX, Action::Write(1));
    assert!(is_linearizable(&[unknown, b, reads[1], reads[2]]));
    assert!(is_linearizable(&[unknown, b, reads[1]]), "or never");
    assert!(!is_linearizable(&[unknown, b, reads[0], reads[1], reads[2]]));
}
