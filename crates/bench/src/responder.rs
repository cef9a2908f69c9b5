//! A bare hyper server with a fixed answer, as large as that of a service.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, env, net::SocketAddr};
use tokio::net::TcpListener;

/// The variable with the address to listen on.
pub(crate) const ADDRESS: &str = "MAQUETTE_BENCH_RESPONDER";

/// Serves until the process is killed, with as many threads as the workload.
pub(crate) fn run() -> Result<()> {
    let address: SocketAddr = env::var(ADDRESS)?.parse()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    let body = Bytes::from(vec![b'x'; 512]);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |_| {
                let answer = Response::new(Full::new(body.clone()));
                async { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away is no error.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
