//! What users ask of a peer: answered by the peers, by them and an old home while they take items
//! over, or by their successor if they have one.

use super::{
    role::{Peer, deadline, unavailable},
    settings::PeerSettings,
};
use crate::{
    backend::{Asking, merge},
    forward,
    http::{Application, Failure, Request},
};
use maquette_contract::{ItemKey, Record, Summary, RequestWork};
use serde_json::Value;

impl Application for Peer {
    type Settings = PeerSettings;

    fn work(settings: &PeerSettings) -> &RequestWork {
        &settings.work
    }

    async fn get(&self, request: &Request<PeerSettings>, key: &ItemKey) -> Result<Record, Failure> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_item(request, successor, key).await;
        }
        let note = |query| request.queried(query);
        let found = match request.settings.origins.of(&key.collection) {
            Some(origin) => {
                let asking = Asking::new(request.context.clone(), &note);
                origin.read(&*self.0, &asking, key).await?
            }
            None => self.0.get(key, deadline(request), &note).await.map_err(unavailable)?,
        };
        found.ok_or_else(|| Failure::missing(format!("there is no item {key}")))
    }

    async fn put(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        value: Value,
    ) -> Result<Record, Failure> {
        if let Some(successor) = &request.settings.successor {
            return forward::put_item(request, successor, key, &value).await;
        }
        let note = |query| request.queried(query);
        match request.settings.origins.of(&key.collection) {
            Some(origin) => {
                let asking = Asking::new(request.context.clone(), &note);
                origin.write(&*self.0, &self.0.node.clock, &asking, key, &value).await
            }
            None => self.0.put(key, value, deadline(request), &note).await.map_err(unavailable),
        }
    }

    async fn summary(&self, request: &Request<PeerSettings>) -> Result<Summary, Failure> {
        if let Some(successor) = &request.settings.successor {
            return forward::get_summary(request, successor).await;
        }
        let note = |query| request.queried(query);
        let asking = Asking::new(request.context.clone(), &note);
        let own = self.0.summary(deadline(request), &note);
        let (own, old) = tokio::join!(own, request.settings.origins.summary(&asking));
        Ok(merge(own.map_err(unavailable)?, old?))
    }
}
