//! The way of a request: to the own store, or to the component that the route names.

use super::{ServiceSettings, settings::Way, summary};
use crate::{
    backend::Asking,
    forward,
    http::{Application, Failure, Request},
    runtime::Runtime,
};
use maquette_contract::{ItemKey, Record, Summary, RequestWork};
use serde_json::Value;
use std::sync::Arc;

/// The service.
pub(super) struct Service {
    pub(super) runtime: Arc<Runtime<ServiceSettings>>,
}

impl Application for Service {
    type Settings = ServiceSettings;

    fn work(settings: &ServiceSettings) -> &RequestWork {
        &settings.work
    }

    async fn get(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
    ) -> Result<Record, Failure> {
        match way(request, key)? {
            Way::Own(store) => {
                let note = |query| request.queried(query);
                let asking = Asking::new(request.context.clone(), &note);
                let found = match request.settings.origins.of(&key.collection) {
                    Some(origin) => origin.read(&**store, &asking, key).await?,
                    None => store.read(&asking, key).await?,
                };
                found.ok_or_else(|| Failure::missing(format!("there is no item {key}")))
            }
            Way::Call(upstream) => forward::get_item(request, upstream, key).await,
        }
    }

    async fn put(
        &self,
        request: &Request<ServiceSettings>,
        key: &ItemKey,
        value: Value,
    ) -> Result<Record, Failure> {
        match way(request, key)? {
            Way::Own(store) => {
                let note = |query| request.queried(query);
                let asking = Asking::new(request.context.clone(), &note);
                let clock = &self.runtime.clock;
                match request.settings.origins.of(&key.collection) {
                    Some(origin) => origin.write(&**store, clock, &asking, key, &value).await,
                    None => store.write(&asking, key, &value, &|seen| clock.after(seen)).await,
                }
            }
            Way::Call(upstream) => forward::put_item(request, upstream, key, &value).await,
        }
    }

    async fn summary(&self, request: &Request<ServiceSettings>) -> Result<Summary, Failure> {
        summary::gather(request).await
    }
}

fn way<'a>(request: &'a Request<ServiceSettings>, key: &ItemKey) -> Result<&'a Way, Failure> {
    request.settings.way(&key.collection).ok_or_else(|| {
        let (component, collection, known) = (&request.component, &key.collection, request.settings.known_collections());
        Failure::missing(format!(
            "nobody whom {component} can ask owns the collection {collection}; it knows the way to {known}"
        ))
    })
}
