//! A request under way.

use crate::runtime::{Begun, headers::Context, lock};
use maquette_contract::{Query, ResponseTree};
use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// A request under way: the configuration that it runs under (which it derefs to), what came with
/// it, and a journal of what was asked of others.
#[derive(Debug)]
pub struct Request<S> {
    begun: Begun<S>,
    /// The trace, the deadline and the hops so far.
    pub context: Context,
    queries: Mutex<Vec<Query>>,
    calls: Mutex<Vec<ResponseTree>>,
}

impl<S> Request<S> {
    pub(super) fn new(begun: Begun<S>, context: Context) -> Self {
        Self { begun, context, queries: Mutex::default(), calls: Mutex::default() }
    }

    /// Notes a query. Queries of one sort to one store or peer make one line of the tree: it
    /// carries the version and the error of the newest.
    pub fn queried(&self, query: Query) {
        let mut queries = lock(&self.queries);
        let same = |old: &&mut Query| old.to == query.to && old.command == query.command;
        match queries.iter_mut().find(same) {
            Some(old) => {
                old.count += query.count;
                old.bytes += query.bytes;
                old.micros += query.micros;
                old.version = query.version;
                old.error = query.error;
            }
            None => queries.push(query),
        }
    }

    /// Notes the answer of a component that was called.
    pub fn called(&self, tree: ResponseTree) {
        lock(&self.calls).push(tree);
    }

    /// What was asked of others; the request ends.
    pub(super) fn journal(self) -> (Vec<Query>, Vec<ResponseTree>) {
        let whole = PoisonError::into_inner;
        (
            self.queries.into_inner().unwrap_or_else(whole),
            self.calls.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<S> Deref for Request<S> {
    type Target = Begun<S>;
    fn deref(&self) -> &Begun<S> {
        &self.begun
    }
}
