//! The summary: adds up the own store and the summaries of other components.

use super::{ServiceSettings, settings::Callee};
use crate::{
    backend::{CollectionFilter, QueryContext, merge_summaries},
    forward,
    http::{HttpError, Request},
};
use futures_util::future::join_all;
use maquette_contract::{CallMode, Summary};

/// Adds up the own store and the summaries of the components that this request calls.
///
/// # Errors
/// If any part fails: a sum without it would be wrong. Sequential calls stop at the first failure;
/// parallel calls all end, so that the tree shows each of them.
pub(super) async fn gather_summary(
    request: &Request<ServiceSettings>,
) -> Result<Summary, HttpError> {
    let callees = request.settings.callees.iter().filter(|callee| is_sampled(callee));
    let parts = match request.settings.mode {
        CallMode::Sequential => {
            let mut parts = vec![summarize_own_store(request).await?];
            for callee in callees {
                parts.push(forward::get_summary(request, &callee.upstream).await?);
            }
            parts
        }
        CallMode::Parallel => {
            let calls =
                join_all(callees.map(|callee| forward::get_summary(request, &callee.upstream)));
            let (own, called) = tokio::join!(summarize_own_store(request), calls);
            [own].into_iter().chain(called).collect::<Result<_, _>>()?
        }
    };
    Ok(parts.into_iter().reduce(merge_summaries).unwrap_or_default())
}

/// Draws whether this request calls a component, by the configured probability.
fn is_sampled(callee: &Callee) -> bool {
    rand::random_range(0..100) < callee.probability.get()
}

/// Adds up the items of owned collections in the own store and in their migration sources. Items of
/// collections that another service owns may still be in the store; they are left out.
async fn summarize_own_store(request: &Request<ServiceSettings>) -> Result<Summary, HttpError> {
    let settings = &request.settings;
    let Some(store) = &settings.store else { return Ok(Summary::default()) };
    let context =
        QueryContext { request: request.context.clone(), log: &|query| request.log_query(query) };
    let owned: CollectionFilter<'_> = &|collection| settings.owns_collection(collection);
    let (in_store, in_sources) =
        tokio::join!(store.summarize(&context, owned), settings.sources.summarize(&context));
    Ok(merge_summaries(in_store?, in_sources?))
}
