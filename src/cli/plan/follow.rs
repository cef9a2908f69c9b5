//! `maquette plan --watch`: a line for each change of an Architecture's status, until it is over.

use super::{
    Cluster, ClusterArgs,
    progress::{Seen, Verdict, progress},
};
use crate::{api::Architecture, cli::Outcome};
use futures::{Stream, StreamExt};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api,
    api::ApiResource,
    core::DynamicObject,
    runtime::{WatchStreamExt, watcher},
};
use std::{
    io::{self, Write},
    pin::pin,
    process::ExitCode,
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// What stands in the way for so long is taken for what will go on standing there.
const PATIENCE: Duration = Duration::from_secs(10);
/// As shells have it: ended by a signal that asked for it.
const INTERRUPTED: u8 = 130;

type Watched = watcher::Result<Option<DynamicObject>>;

/// Follows the Architecture `name`.
///
/// # Errors
/// When it is not there, or the cluster does not answer or refuses.
pub(super) async fn follow(cluster: &ClusterArgs, name: &str, timeout: Duration) -> Outcome {
    let cluster = Cluster::connect(cluster, None).await?;
    let api: Api<DynamicObject> = cluster.api_of(&ApiResource::erase::<Architecture>(&()));
    // A watch waits for what is not there or not allowed; whoever asks would rather know.
    let found = api.get_opt(name).await;
    let found = found.map_err(|error| cluster.failed(&format!("Architecture {name}"), error))?;
    let found = found.ok_or_else(|| cluster.not_found(name))?;
    let mut following = Following { name, last: String::new(), blocked: None };
    if let Some(code) = following.event(Some(Ok(Some(found))))? {
        return Ok(code);
    }
    let events = watcher::watch_object(api, name).default_backoff();
    following.run(events, Instant::now() + timeout).await
}

struct Following<'a> {
    name: &'a str,
    /// The last line, which is not said again.
    last: String,
    /// Since when something stands in the way.
    blocked: Option<Instant>,
}

impl Following<'_> {
    async fn run(mut self, events: impl Stream<Item = Watched>, deadline: Instant) -> Outcome {
        let mut events = pin!(events);
        let mut interrupted = pin!(tokio::signal::ctrl_c());
        loop {
            let patience = self.blocked.map(|since| since + PATIENCE);
            let next = patience.map_or(deadline, |patience| patience.min(deadline));
            let code = tokio::select! {
                biased;
                event = events.next() => self.event(event)?,
                _ = &mut interrupted => Some(ExitCode::from(INTERRUPTED)),
                () = sleep_until(next) => Some(self.over(next < deadline)?),
            };
            if let Some(code) = code {
                return Ok(code);
            }
        }
    }

    /// Says what there is to say, and whether that is all.
    fn event(&mut self, event: Option<Watched>) -> io::Result<Option<ExitCode>> {
        let object = match event {
            Some(Ok(Some(object))) => object,
            Some(Ok(None)) => {
                self.say(&format!("{} is gone", self.name))?;
                return Ok(Some(ExitCode::FAILURE));
            }
            // It is tried again.
            Some(Err(error)) => {
                self.say(&format!("no news: {error}"))?;
                return Ok(None);
            }
            None => return Ok(Some(ExitCode::FAILURE)),
        };
        let (line, verdict) = match seen(object) {
            Ok(seen) => progress(&seen),
            Err(error) => (format!("its status is unreadable: {error}"), Verdict::GoesOn),
        };
        self.say(&line)?;
        self.blocked = match verdict {
            Verdict::Blocked => self.blocked.or_else(|| Some(Instant::now())),
            Verdict::GoesOn | Verdict::Done | Verdict::Refused => None,
        };
        Ok(match verdict {
            Verdict::GoesOn | Verdict::Blocked => None,
            Verdict::Done => Some(ExitCode::SUCCESS),
            Verdict::Refused => Some(ExitCode::FAILURE),
        })
    }

    /// The time is up; `blocked`: for what stands in the way.
    fn over(&mut self, blocked: bool) -> io::Result<ExitCode> {
        if !blocked {
            self.say("timed out")?;
        }
        Ok(ExitCode::FAILURE)
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        if line == self.last {
            return Ok(());
        }
        self.last = line.to_owned();
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        writeln!(io::stdout(), "{now}  {line}")
    }
}

fn seen(object: DynamicObject) -> serde_json::Result<Seen> {
    serde_json::from_value(serde_json::to_value(object)?)
}
