//! The summary: adds up the own store and the summaries of other components.

use super::{ServiceSettings, settings::Callee};
use crate::{
    backend::{CollectionFilter, QueryContext, merge_summaries},
    forward,
    http::{HttpError, Request},
};
use futures_util::future::join_all;
use maquette_contract::{CallMode, Summary};

/// Adds up the own store and the summaries of the components that this request calls. Each call
/// takes one of the request's budget, and gets an equal part of what is left. A component for which
/// nothing is left is not called, and the sum is marked as truncated.
///
/// # Errors
/// If any part fails: a sum without it would be wrong. Sequential calls stop at the first failure;
/// parallel calls all end, so that the tree shows each of them.
pub(super) async fn gather_summary(
    request: &Request<ServiceSettings>,
) -> Result<Summary, HttpError> {
    let mut callees: Vec<&Callee> = request.settings.callees.iter().collect();
    callees.retain(|callee| is_sampled(callee));
    let budgets = split_budget(request.context.call_budget, callees.len());
    let truncated = budgets.len() < callees.len();
    let calls = callees.into_iter().zip(budgets).map(|(callee, budget)| {
        forward::get_summary(request, &callee.upstream, request.context.with_call_budget(budget))
    });
    let parts = match request.settings.mode {
        CallMode::Sequential => {
            let mut parts = vec![summarize_own_store(request).await?];
            for call in calls {
                parts.push(call.await?);
            }
            parts
        }
        CallMode::Parallel => {
            let (own, called) = tokio::join!(summarize_own_store(request), join_all(calls));
            [own].into_iter().chain(called).collect::<Result<_, _>>()?
        }
    };
    let sum = parts.into_iter().reduce(merge_summaries).unwrap_or_default();
    Ok(Summary { truncated: sum.truncated || truncated, ..sum })
}

/// The budget of each callee that can be called, after each call has taken one.
fn split_budget(budget: u32, callees: usize) -> Vec<u32> {
    let callees = u32::try_from(callees).unwrap_or(u32::MAX);
    let called = callees.min(budget);
    let Some(part) = (budget - called).checked_div(called) else { return vec![] };
    let rest = (budget - called) % called;
    (0..called).map(|index| part + u32::from(index < rest)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_split_and_never_grows() {
        assert_eq!(split_budget(10, 3), [3, 2, 2]);
        assert_eq!(split_budget(3, 3), [0, 0, 0]);
        assert_eq!(split_budget(2, 3), [0, 0]);
        assert!(split_budget(0, 3).is_empty());
        assert!(split_budget(5, 0).is_empty());
    }
}
