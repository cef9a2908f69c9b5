//! A request under way.

use crate::runtime::{RequestGuard, headers::RequestContext, lock};
use maquette_contract::{Query, ResponseTree};
use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// A request under way: the configuration that it runs under (which it derefs to), what came with
/// it, and a journal of what was asked of others.
#[derive(Debug)]
pub struct Request<S> {
    active_config: RequestGuard<S>,
    /// The trace, the deadline and the hops so far.
    pub context: RequestContext,
    query_log: Mutex<Vec<Query>>,
    call_log: Mutex<Vec<ResponseTree>>,
}

impl<S> Request<S> {
    pub(super) fn new(active_config: RequestGuard<S>, context: RequestContext) -> Self {
        Self { active_config, context, query_log: Mutex::default(), call_log: Mutex::default() }
    }

    /// Notes a query. Queries of one sort to one store or peer make one line of the tree: it
    /// carries the version and the error of the newest.
    pub fn log_query(&self, query: Query) {
        let mut queries = lock(&self.query_log);
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
    pub fn log_call(&self, tree: ResponseTree) {
        lock(&self.call_log).push(tree);
    }

    /// What was asked of others; the request ends.
    pub(super) fn into_logs(self) -> (Vec<Query>, Vec<ResponseTree>) {
        let whole = PoisonError::into_inner;
        (
            self.query_log.into_inner().unwrap_or_else(whole),
            self.call_log.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<S> Deref for Request<S> {
    type Target = RequestGuard<S>;
    fn deref(&self) -> &RequestGuard<S> {
        &self.active_config
    }
}
