//! The summary: the smart part. Asks the own store and the components below, and adds up.

use super::{ServiceSettings, settings::Callee};
use crate::{
    backend::{Asking, merge},
    forward,
    http::{Failure, Request},
};
use futures_util::future::join_all;
use maquette_contract::{CallMode, Collection, Summary};

/// Gathers what the own store holds and what the components below say.
///
/// One after another, it stops at the first that fails: the whole has failed. All at once, it
/// waits for all, so that the tree tells of all. A part that fails is never left out of the sum:
/// a summary that silently lacks one would be untrue.
pub(super) async fn gather(request: &Request<ServiceSettings>) -> Result<Summary, Failure> {
    let callees = request.settings.callees.iter().filter(|callee| drawn(callee));
    let parts = match request.settings.mode {
        CallMode::Sequential => {
            let mut parts = vec![own(request).await?];
            for callee in callees {
                parts.push(forward::get_summary(request, &callee.upstream).await?);
            }
            parts
        }
        CallMode::Parallel => {
            let calls =
                join_all(callees.map(|callee| forward::get_summary(request, &callee.upstream)));
            let (own, calls) = tokio::join!(own(request), calls);
            [own].into_iter().chain(calls).collect::<Result<_, _>>()?
        }
    };
    Ok(parts.into_iter().reduce(merge).unwrap_or_default())
}

/// Whether this request calls it.
fn drawn(callee: &Callee) -> bool {
    rand::random_range(0..100) < callee.probability.get()
}

/// What is in the own store of the own collections: not what is left there of a collection that another service
/// owns by now. Where a collection has an old home, that may know of more.
async fn own(request: &Request<ServiceSettings>) -> Result<Summary, Failure> {
    let settings = &request.settings;
    let Some(store) = &settings.store else { return Ok(Summary::default()) };
    let note = |query| request.queried(query);
    let asking = Asking::new(request.context.clone(), &note);
    let owned = |collection: &Collection| settings.owns(collection);
    let (own, old) =
        tokio::join!(store.summary(&asking, &owned), settings.origins.summary(&asking));
    Ok(merge(own?, old?))
}
