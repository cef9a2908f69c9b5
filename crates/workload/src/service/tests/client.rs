//! A client of a service.

use super::*;

/// The response of a service to a client.
pub(super) struct ClientResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl ClientResponse {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn answer(&self) -> Answer {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The error; panics unless the response has this status.
    pub(super) fn error(&self, status: StatusCode) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        match self.answer().outcome {
            Outcome::Error(message) | Outcome::WasDeleted { error: message, .. } => message,
            other => panic!("no error: {other:?}"),
        }
    }

    pub(super) fn version(&self) -> Version {
        assert!(self.status.is_success(), "{}", self.text());
        match self.answer().outcome {
            Outcome::Item { version, .. } => version,
            other => panic!("no item: {other:?}"),
        }
    }

    pub(super) fn value(&self) -> serde_json::Value {
        assert!(self.status.is_success(), "{}", self.text());
        match self.answer().outcome {
            Outcome::Item { value, .. } => serde_json::from_str(value.as_str()).unwrap(),
            other => panic!("no item: {other:?}"),
        }
    }

    pub(super) fn counts(&self) -> Vec<(String, u64)> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        match self.answer().outcome {
            Outcome::Summary(Summary { collections, .. }) => collections
                .into_iter()
                .map(|(collection, summary)| (collection.into(), summary.items))
                .collect(),
            other => panic!("no summary: {other:?}"),
        }
    }
}

/// Sends one request on its own connection.
pub(super) async fn send_request(
    address: &Address,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> ClientResponse {
    let uri: Uri = format!("{}{path}", address.http_url()).parse().unwrap();
    let mut request = Request::new(Full::new(Bytes::from(body.to_owned())));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let exchange = async {
        let response = client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        ClientResponse { status: head.status, headers: head.headers, body }
    };
    timeout(TEST_TIMEOUT, exchange).await.expect("an answer")
}
