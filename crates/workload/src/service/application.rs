//! Routes a request for an item: to the own store, or to the component that the route names.

use super::{ServiceSettings, settings::RouteTarget, summary};
use crate::{
    backend::{BackendError, ItemWrite, Precondition, QueryContext, WrittenItem},
    forward,
    http::{Application, HttpError, PageRequest, Request},
    runtime::Runtime,
};
use maquette_contract::{Collection, Content, ItemKey, ItemPage, Record, RequestWork, Summary};
use std::sync::Arc;

pub(super) struct Service {
    pub(super) runtime: Arc<Runtime<ServiceSettings>>,
}

impl Application<ServiceSettings> for Service {
    fn simulated_work(settings: &ServiceSettings) -> &RequestWork {
        &settings.work
    }

    async fn read_item(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
    ) -> Result<Record, HttpError> {
        match find_route(request, &key.collection)? {
            RouteTarget::OwnStore(store) => {
                let context = QueryContext {
                    request: request.context.clone(),
                    log: &|query| request.log_query(query),
                };
                let record = match request.settings.sources.source_of(&key.collection) {
                    Some(source) => Box::pin(source.read_newest(&**store, &context, key)).await?,
                    None => store.read_item(&context, key).await?,
                };
                record.ok_or_else(|| no_item(key))
            }
            RouteTarget::Call(upstream) => forward::get_item(request, upstream, key).await,
        }
    }

    async fn write_item(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
        write: ItemWrite,
    ) -> Result<WrittenItem, HttpError> {
        match find_route(request, &key.collection)? {
            RouteTarget::OwnStore(store) => {
                let (write, is_bare_deletion) = require_item_to_delete(write);
                let context = QueryContext {
                    request: request.context.clone(),
                    log: &|query| request.log_query(query),
                };
                let clock = &self.runtime.clock;
                let written = match request.settings.sources.source_of(&key.collection) {
                    Some(source) => {
                        Box::pin(source.write_both(&**store, clock, &context, key, &write)).await
                    }
                    None => {
                        store
                            .write_item(&context, key, &write, &|seen| clock.next_version(seen))
                            .await
                    }
                };
                written.map_err(|error| match error {
                    BackendError::PreconditionFailed(_) if is_bare_deletion => no_item(key),
                    error => error.into(),
                })
            }
            RouteTarget::Call(upstream) => {
                forward::write_item(request, upstream, key, &write).await
            }
        }
    }

    async fn list_items(
        &self,
        request: &Request<ServiceSettings>,
        list: &PageRequest,
    ) -> Result<ItemPage, HttpError> {
        match find_route(request, &list.collection)? {
            RouteTarget::OwnStore(store) => {
                let context = QueryContext {
                    request: request.context.clone(),
                    log: &|query| request.log_query(query),
                };
                let (collection, limit, after) =
                    (&list.collection, list.limit, list.after.as_deref());
                let page = match request.settings.sources.source_of(collection) {
                    Some(source) => {
                        Box::pin(source.list_collection(&context, collection, limit, after)).await
                    }
                    None => store.list_collection(&context, collection, limit, after).await,
                };
                Ok(page?)
            }
            RouteTarget::Call(upstream) => forward::list_items(request, upstream, list).await,
        }
    }

    async fn gather_summary(
        &self,
        request: &Request<ServiceSettings>,
    ) -> Result<Summary, HttpError> {
        summary::gather_summary(request).await
    }
}

fn no_item(key: &ItemKey) -> HttpError {
    HttpError::not_found(format!("there is no item {key}"))
}

/// A deletion without a precondition is made only if the item exists: no tombstone is kept for what
/// never was. Whether `write` is such a deletion.
fn require_item_to_delete(write: ItemWrite) -> (ItemWrite, bool) {
    if write.content != Content::Deleted || write.precondition.is_some() {
        return (write, false);
    }
    (ItemWrite { precondition: Some(Precondition::Exists), ..write }, true)
}

fn find_route<'a>(
    request: &'a Request<ServiceSettings>,
    collection: &Collection,
) -> Result<&'a RouteTarget, HttpError> {
    let settings = &request.settings;
    settings.route_to(collection).ok_or_else(|| {
        HttpError::not_found(format!(
            "no component that {} can reach owns the collection {collection}; it has routes to {}",
            request.component(),
            settings.routable_collections()
        ))
    })
}
