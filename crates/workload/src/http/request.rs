//! A request in flight.

use crate::runtime::{RequestGuard, headers::RequestContext, lock};
use maquette_contract::{Query, ResponseTree};
use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// A request in flight: the configuration that it runs under (which it derefs to), the context that
/// came in its headers, and a log of the queries and calls made for it.
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

    /// Logs a query. Queries with the same command to the same store or peer share one line of the
    /// tree, with the version and the error of the newest.
    pub fn log_query(&self, query: Query) {
        let mut queries = lock(&self.query_log);
        match queries.iter_mut().find(|line| line.to == query.to && line.command == query.command) {
            Some(line) => {
                line.count += query.count;
                line.bytes += query.bytes;
                line.micros += query.micros;
                line.version = query.version;
                line.error = query.error;
            }
            None => queries.push(query),
        }
    }

    /// Logs the answer of a component that was called.
    pub fn log_call(&self, tree: ResponseTree) {
        lock(&self.call_log).push(tree);
    }

    /// Ends the request and gives its queries and calls.
    pub(super) fn into_logs(self) -> (Vec<Query>, Vec<ResponseTree>) {
        (
            self.query_log.into_inner().unwrap_or_else(PoisonError::into_inner),
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
