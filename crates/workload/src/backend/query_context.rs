//! The request or background job that a backend is queried for.

use crate::runtime::headers::{MAX_DEADLINE, RequestContext};
use maquette_contract::Query;
use tokio::time::Instant;

/// Receives each query when it ends, for the response tree.
pub(crate) type QueryLog<'a> = &'a (dyn Fn(Query) + Send + Sync);

/// Deadline, trace and query log of the request that a query belongs to.
#[derive(Clone)]
pub(crate) struct QueryContext<'a> {
    /// Sent on to the backend: deadline, trace and hops.
    pub(crate) request: RequestContext,
    pub(crate) log: QueryLog<'a>,
}

impl QueryContext<'_> {
    /// For a background job: the deadline of a request that starts now, a new trace, no log.
    pub(crate) fn background() -> QueryContext<'static> {
        let request = RequestContext::new_root(Instant::now() + MAX_DEADLINE);
        QueryContext { request, log: &|_| {} }
    }

    /// The time by which the backend must have answered.
    pub(crate) fn deadline(&self) -> Instant {
        self.request.upstream_deadline(Instant::now())
    }
}
