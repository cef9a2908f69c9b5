//! The response to a request: its outcome and the trace of all calls and queries.

mod answer;
mod display;
mod response;

pub use answer::{Answer, ItemPage, Outcome, PageItem};
pub use response::{CollectionSummary, Query, ResponseTree, Summary};
