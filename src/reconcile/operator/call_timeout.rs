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

/// Fails requests that are not answered in time. A watch is left out: the watcher has a shorter
/// bound for its start.
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;
    use tower::{ServiceExt, service_fn};

    #[tokio::test(start_paused = true)]
    async fn all_calls_but_watches_are_bounded() {
        let never = service_fn(async |_: Request<Body>| {
            std::future::pending::<()>().await;
            Ok::<_, BoxError>(Response::new(Body::empty()))
        });
        let request = |uri: &str| Request::get(uri).body(Body::empty()).unwrap();
        let start = Instant::now();
        let list = CallTimeout(never).oneshot(request("/api/v1/pods?limit=5")).await;
        assert_eq!(list.unwrap_err().to_string(), "none within 15 s");
        assert_eq!(start.elapsed(), CALL_TIMEOUT);
        let watch = CallTimeout(never).oneshot(request("/api/v1/pods?watch=true&limit=5"));
        assert!(tokio::time::timeout(CALL_TIMEOUT * 4, watch).await.is_err());
    }
}
