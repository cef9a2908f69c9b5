//! On whose behalf a home is asked.

use crate::runtime::headers::{Context, LONGEST};
use maquette_contract::Query;
use tokio::time::Instant;

/// Takes note of a query, for the response tree.
pub(crate) type Note<'a> = &'a (dyn Fn(Query) + Send + Sync);

/// Until when an answer is needed, which trace it belongs to, and who takes note of the queries.
#[derive(Clone)]
pub(crate) struct Asking<'a> {
    /// What goes with the request to the next component.
    pub(super) context: Context,
    /// Takes note of each query.
    pub(crate) note: Note<'a>,
}

impl<'a> Asking<'a> {
    /// For a request, whose tree shows the queries.
    pub(crate) fn new(context: Context, note: Note<'a>) -> Self {
        Self { context, note }
    }

    /// For nobody's request: with as much time as a request has, and nobody who takes note.
    pub(crate) fn unasked() -> Asking<'static> {
        Asking { context: Context::first(Instant::now() + LONGEST), note: &|_| {} }
    }

    /// When the home must have answered.
    pub(crate) fn deadline(&self) -> Instant {
        self.context.deadline_below(Instant::now())
    }
}
