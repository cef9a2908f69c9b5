//! The way of a request: to the own store, or to the component that the route names.

use super::{ServiceSettings, settings::RouteTarget, summary};
use crate::{
    backend::QueryContext,
    forward,
    http::{Application, HttpError, Request},
    runtime::Runtime,
};
use maquette_contract::{ItemKey, Record, RequestWork, Summary};
use serde_json::Value;
use std::sync::Arc;

/// The service.
pub(super) struct Service {
    pub(super) runtime: Arc<Runtime<ServiceSettings>>,
}

impl Application for Service {
    type Settings = ServiceSettings;

    fn simulated_work(settings: &ServiceSettings) -> &RequestWork {
        &settings.work
    }

    async fn get(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
    ) -> Result<Record, HttpError> {
        match find_route(request, key)? {
            RouteTarget::OwnStore(store) => {
                let note = |query| request.log_query(query);
                let asking = QueryContext::new(request.context.clone(), &note);
                let found = match request.settings.sources.source_of(&key.collection) {
                    Some(origin) => origin.read_newest(&**store, &asking, key).await?,
                    None => store.read_item(&asking, key).await?,
                };
                found.ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
            }
            RouteTarget::Call(upstream) => forward::get_item(request, upstream, key).await,
        }
    }

    async fn write_item(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
        value: Value,
    ) -> Result<Record, HttpError> {
        match find_route(request, key)? {
            RouteTarget::OwnStore(store) => {
                let note = |query| request.log_query(query);
                let asking = QueryContext::new(request.context.clone(), &note);
                let clock = &self.runtime.clock;
                match request.settings.sources.source_of(&key.collection) {
                    Some(origin) => origin.write_both(&**store, clock, &asking, key, &value).await,
                    None => {
                        store
                            .write_item(&asking, key, &value, &|seen| clock.next_version(seen))
                            .await
                    }
                }
            }
            RouteTarget::Call(upstream) => forward::put_item(request, upstream, key, &value).await,
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
    request.settings.route_to(&key.collection).ok_or_else(|| {
        let (component, collection, known) = (&request.component, &key.collection, request.settings.routable_collections());
        HttpError::not_found(format!(
            "nobody whom {component} can ask owns the collection {collection}; it knows the way to {known}"
        ))
    })
}
