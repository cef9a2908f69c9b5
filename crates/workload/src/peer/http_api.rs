//! What users ask of a peer: answered by the peers, by them and an old home while they take items
//! over, or by their successor if they have one.

use super::{
    role::{PeerApi, answer_deadline, unavailable_error},
    settings::PeerSettings,
};
use crate::{
    backend::{QueryContext, QueryLog, merge_summaries},
    forward,
    http::{Application, HttpError, Request},
};
use maquette_contract::{ItemKey, Record, RequestWork, Summary};
use serde_json::Value;

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
        let found = match request.settings.migration_sources.source_of(&key.collection) {
            Some(origin) => {
                let asking = QueryContext { request: request.context.clone(), log };
                origin.read_newest(&*self.0, &asking, key).await?
            }
            None => self
                .0
                .read_item(key, answer_deadline(request), log)
                .await
                .map_err(unavailable_error)?,
        };
        found.ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
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
        let log: QueryLog<'_> = &|query| request.log_query(query);
        match request.settings.migration_sources.source_of(&key.collection) {
            Some(origin) => {
                let asking = QueryContext { request: request.context.clone(), log };
                Ok(origin.write_both(&*self.0, &self.0.node.clock, &asking, key, &value).await?)
            }
            None => self
                .0
                .write_item(key, value, answer_deadline(request), log)
                .await
                .map_err(unavailable_error),
        }
    }

    async fn gather_summary(&self, request: &Request<PeerSettings>) -> Result<Summary, HttpError> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_summary(request, successor).await;
        }
        let log: QueryLog<'_> = &|query| request.log_query(query);
        let asking = QueryContext { request: request.context.clone(), log };
        let own = self.0.summary(answer_deadline(request), log);
        let (own, old) = tokio::join!(own, request.settings.migration_sources.summarize(&asking));
        Ok(merge_summaries(own.map_err(unavailable_error)?, old?))
    }
}
