//! The summary: the smart part. Asks the own store and the components below, and adds up.

use super::{ServiceSettings, settings::Callee};
use crate::{
    backend::{QueryContext, merge_summaries},
    forward,
    http::{HttpError, Request},
};
use futures_util::future::join_all;
use maquette_contract::{CallMode, Collection, Summary};

/// Gathers what the own store holds and what the components below say.
///
/// One after another, it stops at the first that fails: the whole has failed. All at once, it
/// waits for all, so that the tree tells of all. A part that fails is never left out of the sum:
/// a summary that silently lacks one would be untrue.
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
            let (own, calls) = tokio::join!(summarize_own_store(request), calls);
            [own].into_iter().chain(calls).collect::<Result<_, _>>()?
        }
    };
    Ok(parts.into_iter().reduce(merge_summaries).unwrap_or_default())
}

/// Whether this request calls it.
fn is_sampled(callee: &Callee) -> bool {
    rand::random_range(0..100) < callee.probability.get()
}

/// What is in the own store of the own collections: not what is left there of a collection that another service
/// owns by now. Where a collection has an old home, that may know of more.
async fn summarize_own_store(request: &Request<ServiceSettings>) -> Result<Summary, HttpError> {
    let settings = &request.settings;
    let Some(store) = &settings.store else { return Ok(Summary::default()) };
    let note = |query| request.log_query(query);
    let asking = QueryContext::new(request.context.clone(), &note);
    let owned = |collection: &Collection| settings.owns(collection);
    let (own, old) =
        tokio::join!(store.summarize(&asking, &owned), settings.sources.summarize(&asking));
    Ok(merge_summaries(own?, old?))
}
