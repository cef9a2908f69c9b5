//! The HTTP API for users: served by the peers, by the peers and a migration source during a
//! migration, or by their successor if they have one.

use super::{PeerApi, answer_deadline, unavailable_error};
use crate::{
    backend::{QueryContext, merge_summaries},
    forward,
    http::{Application, HttpError, Request},
    peer::settings::PeerSettings,
};
use maquette_contract::{ItemKey, Record, RequestWork, Summary};
use serde_json::Value;

impl Application for PeerApi {
    type Settings = PeerSettings;

    fn simulated_work(settings: &PeerSettings) -> &RequestWork {
        &settings.work
    }

    async fn get(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
    ) -> Result<Record, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_item(request, successor, key).await;
        }
        let item = match request.settings.migration_sources.source_of(&key.collection) {
            Some(source) => {
                source
                    .read_newest(
                        &*self.0,
                        &QueryContext::new(request.context.clone(), &|query| {
                            request.log_query(query);
                        }),
                        key,
                    )
                    .await?
            }
            None => self
                .0
                .coordinator
                .item(key, answer_deadline(request), &|query| request.log_query(query))
                .read()
                .await
                .map_err(unavailable_error)?,
        };
        item.ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
    }

    async fn write_item(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        value: Value,
    ) -> Result<Record, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::put_item(request, successor, key, &value).await;
        }
        match request.settings.migration_sources.source_of(&key.collection) {
            Some(source) => {
                source
                    .write_both(
                        &*self.0,
                        &self.0.coordinator.clock,
                        &QueryContext::new(request.context.clone(), &|query| {
                            request.log_query(query);
                        }),
                        key,
                        &value,
                    )
                    .await
            }
            None => self
                .0
                .coordinator
                .item(key, answer_deadline(request), &|query| request.log_query(query))
                .write(value)
                .await
                .map_err(unavailable_error),
        }
    }

    async fn gather_summary(&self, request: &Request<PeerSettings>) -> Result<Summary, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_summary(request, successor).await;
        }
        let (own, migrated) = tokio::join!(
            async {
                let deadline = answer_deadline(request);
                self.0.coordinator.summarize(deadline, &|query| request.log_query(query)).await
            },
            async {
                request
                    .settings
                    .migration_sources
                    .summarize(&QueryContext::new(request.context.clone(), &|query| {
                        request.log_query(query);
                    }))
                    .await
            },
        );
        Ok(merge_summaries(own.map_err(unavailable_error)?, migrated?))
    }
}
