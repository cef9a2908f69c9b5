//! On whose behalf a home is asked.

use crate::runtime::headers::{MAX_DEADLINE, RequestContext};
use maquette_contract::Query;
use tokio::time::Instant;

/// Takes note of a query, for the response tree.
pub(crate) type QueryLog<'a> = &'a (dyn Fn(Query) + Send + Sync);

/// Until when an answer is needed, which trace it belongs to, and who takes note of the queries.
#[derive(Clone)]
pub(crate) struct QueryContext<'a> {
    /// What goes with the request to the next component.
    pub(super) context: RequestContext,
    /// Takes note of each query.
    pub(crate) log: QueryLog<'a>,
}

impl<'a> QueryContext<'a> {
    /// For a request, whose tree shows the queries.
    pub(crate) fn new(context: RequestContext, log: QueryLog<'a>) -> Self {
        Self { context, log }
    }

    /// For nobody's request: with as much time as a request has, and nobody who takes note.
    pub(crate) fn background() -> QueryContext<'static> {
        QueryContext {
            context: RequestContext::new_root(Instant::now() + MAX_DEADLINE),
            log: &|_| {},
        }
    }

    /// When the home must have answered.
    pub(crate) fn deadline(&self) -> Instant {
        self.context.upstream_deadline(Instant::now())
    }
}
