//! Requests to the model, through the API server's proxy.

use super::{Model, eventually, seconds};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use maquette_contract::{Answer, Outcome, Version};
use serde_json::Value;

/// A write that the model acknowledged.
pub(crate) struct Acknowledged {
    pub(crate) collection: String,
    pub(crate) id: String,
    pub(crate) version: Version,
    pub(crate) value: Value,
}

impl Model {
    /// Sends a request to `path` below the model's namespace in the API; returns status and body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String> {
        let uri = format!("/api/v1/namespaces/{}/{path}", self.namespace);
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let response = self.client.send(request).await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes().to_vec()))
    }

    /// Sends a request to a Service of the model; returns the answer if it is a success.
    pub(crate) async fn call_service(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let path = format!("services/http:{service}:http/proxy/{path}");
        let (status, body) = self.send(method, &path, body).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status}: {}", String::from_utf8_lossy(&body)));
        }
        serde_json::from_slice(&body).map_err(|error| format!("{method} {path}: {error}"))
    }

    /// Writes an item through a Service of the model; an error is a write that may be lost.
    pub(crate) async fn try_write(
        &self,
        service: &str,
        collection: &str,
        id: &str,
        value: Value,
    ) -> Result<(Acknowledged, Answer), String> {
        let path = format!("items/{collection}/{id}");
        let answer =
            self.call_service(service, "PUT", &path, value.to_string().into_bytes()).await?;
        let Outcome::Item { version, .. } = &answer.outcome else {
            return Err(format!("a write was answered with {:?}", answer.outcome));
        };
        let (collection, id, version) = (collection.to_owned(), id.to_owned(), version.clone());
        Ok((Acknowledged { collection, id, version, value }, answer))
    }

    /// Writes an item through a Service of the model, which must acknowledge it.
    pub(crate) async fn write(
        &self,
        service: &str,
        collection: &str,
        id: &str,
        value: Value,
    ) -> (Acknowledged, Answer) {
        self.try_write(service, collection, id, value).await.expect("an acknowledged write")
    }

    /// Writes `count` items of a collection through the entry.
    pub(crate) async fn write_many(&self, collection: &str, count: usize) -> Vec<Acknowledged> {
        let mut written = Vec::new();
        for n in 0..count {
            let id = format!("item-{n}");
            written.push(
                self.write(&self.name, collection, &id, serde_json::json!({ "n": n })).await.0,
            );
        }
        written
    }

    /// Reads the item back through a Service of the model and compares. A newer version of another
    /// writer is right too; an older one or none is a lost write.
    pub(crate) async fn read_back(&self, service: &str, written: &Acknowledged) -> Answer {
        let path = format!("items/{}/{}", written.collection, written.id);
        // Retries only errors of the API server's proxy: an answer must be right.
        let answer = eventually(&format!("an answer to {path}"), seconds(30), async || {
            self.call_service(service, "GET", &path, Vec::new()).await.inspect_err(|error| {
                assert!(!error.contains(": 404:"), "lost: {error}");
            })
        })
        .await;
        let Outcome::Item { version, value, .. } = &answer.outcome else {
            panic!("a read of {path} was answered with {:?}", answer.outcome);
        };
        assert!(*version >= written.version, "{path}: {version} is older than {}", written.version);
        if *version == written.version {
            assert_eq!(value.as_str(), written.value.to_string(), "{path}");
        }
        answer
    }

    /// Reads every item back through the entry.
    pub(crate) async fn read_all_back(&self, written: &[Acknowledged]) {
        for item in written {
            self.read_back(&self.name, item).await;
        }
    }
}
