//! The HTTP API for users: served by the peers, by the peers and a migration source during a
//! migration, or by their successor if they have one.

use super::{PeerApi, answer_deadline, collection::list_collection, unavailable_error};
use crate::{
    backend::{ItemWrite, QueryContext, QueryLog, WrittenItem, merge_summaries},
    forward,
    http::{Application, HttpError, PageRequest, Request},
    peer::settings::PeerSettings,
};
use axum::http::StatusCode;
use maquette_contract::{Content, ItemKey, ItemPage, Record, RequestWork, Summary};

impl Application<PeerSettings> for PeerApi {
    fn simulated_work(settings: &PeerSettings) -> &RequestWork {
        &settings.work
    }

    async fn read_item(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
    ) -> Result<Record, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_item(request, successor, key).await;
        }
        let log: QueryLog<'_> = &|query| request.log_query(query);
        let item = match request.settings.migration_sources.source_of(&key.collection) {
            Some(source) => {
                let context = QueryContext { request: request.context.clone(), log };
                source.read_newest(&*self.0.coordinator, &context, key).await?
            }
            None => {
                let peers = self.0.coordinator.item(key, answer_deadline(request), log);
                peers.read().await.map_err(unavailable_error)?
            }
        };
        item.ok_or_else(|| no_item(key))
    }

    async fn write_item(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        write: ItemWrite,
    ) -> Result<WrittenItem, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::write_item(request, successor, key, &write).await;
        }
        if write.precondition.is_some() {
            let message = "peers check no precondition of a write: an item has several owners, and a \
                           quorum of them cannot compare and write in one step. Write without \
                           If-Match and If-None-Match, or use a shape with a store";
            return Err(HttpError::new(StatusCode::NOT_IMPLEMENTED, message));
        }
        if write.content == Content::Deleted && !request.context.is_repeated {
            // Without an item there is nothing to delete, and no tombstone to keep.
            let item = self.read_item(request, key).await?;
            item.value().ok_or_else(|| no_item(key))?;
        }
        let log: QueryLog<'_> = &|query| request.log_query(query);
        match request.settings.migration_sources.source_of(&key.collection) {
            Some(source) => {
                let context = QueryContext { request: request.context.clone(), log };
                let peers = &*self.0.coordinator;
                Ok(source.write_both(peers, &peers.clock, &context, key, &write).await?)
            }
            None => {
                let peers = self.0.coordinator.item(key, answer_deadline(request), log);
                let written = if request.context.is_repeated {
                    peers.wait_for_write(&write).await
                } else {
                    peers.write(&write).await
                };
                written.map_err(unavailable_error)
            }
        }
    }

    async fn list_items(
        &self,
        request: &Request<PeerSettings>,
        list: &PageRequest,
    ) -> Result<ItemPage, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::list_items(request, successor, list).await;
        }
        let log: QueryLog<'_> = &|query| request.log_query(query);
        match request.settings.migration_sources.source_of(&list.collection) {
            Some(source) => {
                let context = QueryContext { request: request.context.clone(), log };
                let after = list.after.as_deref();
                Ok(source.list_collection(&context, &list.collection, list.limit, after).await?)
            }
            None => {
                if let Some(after) = list.after.as_deref().filter(|it| ItemKey::parse(it).is_none())
                {
                    let message = format!("after={after:?} is not the cursor of a page");
                    return Err(HttpError::bad_request(message));
                }
                list_collection(&self.0.coordinator, list, answer_deadline(request), log)
                    .await
                    .map_err(unavailable_error)
            }
        }
    }

    async fn gather_summary(&self, request: &Request<PeerSettings>) -> Result<Summary, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_summary(request, successor, request.context.clone()).await;
        }
        let log: QueryLog<'_> = &|query| request.log_query(query);
        let context = QueryContext { request: request.context.clone(), log };
        let (own, migrated) = tokio::join!(
            self.0.coordinator.summarize(answer_deadline(request), log),
            request.settings.migration_sources.summarize(&context),
        );
        Ok(merge_summaries(own.map_err(unavailable_error)?, migrated?))
    }
}

fn no_item(key: &ItemKey) -> HttpError {
    HttpError::not_found(format!("there is no item {key}"))
}
