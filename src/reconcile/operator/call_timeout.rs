//! A bound for every request to the API server: none may use up the time of a reconcile.

use http::{Request, Response};
use kube::client::Body;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tower::{BoxError, Service};

/// How long the API server may take to answer. A webhook may take 10 s by default, and 30 s at most.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
#[error("none within {} s", CALL_TIMEOUT.as_secs())]
struct NoAnswer;

/// Fails requests that are not answered in time. A watch is answered when the first object changes.
#[derive(Clone)]
pub(super) struct CallTimeout<S>(pub(super) S);

impl<S, B> Service<Request<Body>> for CallTimeout<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
        let response = self.0.call(request);
        Box::pin(async move {
            if is_watch {
                return response.await.map_err(Into::into);
            }
            let answer = tokio::time::timeout(CALL_TIMEOUT, response).await;
            answer.map_err(|_| NoAnswer)?.map_err(Into::into)
        })
    }
}
