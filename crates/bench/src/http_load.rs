//! A closed loop of HTTP requests: each caller sends its next request once it has the answer.

use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// The longest time of a run.
const RUN_TIMEOUT: Duration = Duration::from_secs(120);
/// The items that requests are for.
pub(crate) const ITEMS: usize = 200;

/// What callers request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Put,
}

/// Sends `requests` requests by `callers` callers, each over one connection to one of `servers`;
/// returns the time that they took, without that of the connections. An answer other than 2xx is an
/// error.
pub(crate) fn run(
    servers: &[SocketAddr],
    callers: usize,
    requests: usize,
    method: Method,
) -> Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = async {
        let mut streams = Vec::new();
        for caller in 0..callers {
            let server = *servers.get(caller % servers.len()).context("no server")?;
            let stream = TcpStream::connect(server).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let mut running = JoinSet::new();
        let start = Instant::now();
        for (caller, stream) in streams.into_iter().enumerate() {
            running.spawn(call_repeatedly(stream, caller, requests.div_ceil(callers), method));
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(start.elapsed())
    };
    runtime.block_on(async { timeout(RUN_TIMEOUT, all).await })?
}

async fn call_repeatedly(
    mut stream: TcpStream,
    caller: usize,
    requests: usize,
    method: Method,
) -> Result<()> {
    let server = stream.peer_addr()?;
    let mut received = Vec::with_capacity(4096);
    for number in 0..requests {
        let item = (caller * 31 + number) % ITEMS;
        stream.write_all(encode_request(method, item).as_bytes()).await?;
        received.clear();
        let answer = loop {
            if stream.read_buf(&mut received).await? == 0 {
                bail!("{server} closed the connection");
            }
            if let Some(answer) = complete_answer(&received) {
                break answer;
            }
        };
        if !answer.starts_with("HTTP/1.1 2") {
            bail!("{server} answered {answer}");
        }
    }
    Ok(())
}

fn encode_request(method: Method, item: usize) -> String {
    let (name, body) = match method {
        Method::Get => ("GET", String::new()),
        Method::Put => ("PUT", format!(r#"{{"id":{item},"text":"{}"}}"#, "x".repeat(80))),
    };
    let length = body.len();
    format!(
        "{name} /items/orders/{item} HTTP/1.1\r\nhost: bench\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// The answer, if it is complete.
fn complete_answer(received: &[u8]) -> Option<&str> {
    let text = str::from_utf8(received).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    (body.len() >= length.unwrap_or(0_usize)).then_some(text)
}
