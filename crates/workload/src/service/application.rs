//! Routes a request for an item: to the own store, or to the component that the route names.

use super::{ServiceSettings, settings::RouteTarget, summary};
use crate::{
    backend::{ItemWrite, QueryContext, WrittenItem},
    forward,
    http::{Application, HttpError, Request},
    runtime::Runtime,
};
use maquette_contract::{ItemKey, Record, RequestWork, Summary};
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
        match find_route(request, key)? {
            RouteTarget::OwnStore(store) => {
                let context = QueryContext {
                    request: request.context.clone(),
                    log: &|query| request.log_query(query),
                };
                let record = match request.settings.sources.source_of(&key.collection) {
                    Some(source) => source.read_newest(&**store, &context, key).await?,
                    None => store.read_item(&context, key).await?,
                };
                record.ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
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
        match find_route(request, key)? {
            RouteTarget::OwnStore(store) => {
                let context = QueryContext {
                    request: request.context.clone(),
                    log: &|query| request.log_query(query),
                };
                let clock = &self.runtime.clock;
                let written = match request.settings.sources.source_of(&key.collection) {
                    Some(source) => source.write_both(&**store, clock, &context, key, &write).await,
                    None => {
                        store
                            .write_item(&context, key, &write, &|seen| clock.next_version(seen))
                            .await
                    }
                };
                Ok(written?)
            }
            RouteTarget::Call(upstream) => forward::put_item(request, upstream, key, &write).await,
        }
    }

    async fn gather_summary(
        &self,
        request: &Request<ServiceSettings>,
    ) -> Result<Summary, HttpError> {
        summary::gather_summary(request).await
    }
}

fn find_route<'a>(
    request: &'a Request<ServiceSettings>,
    key: &ItemKey,
) -> Result<&'a RouteTarget, HttpError> {
    let (settings, collection) = (&request.settings, &key.collection);
    settings.route_to(collection).ok_or_else(|| {
        HttpError::not_found(format!(
            "no component that {} can reach owns the collection {collection}; it has routes to {}",
            request.component(),
            settings.routable_collections()
        ))
    })
}
