//! `maquette plan --watch`: a line for each change of an Architecture's status, until it is over.

use super::{
    Cluster, ClusterArgs,
    progress::{ObservedArchitecture, ProgressState, assess_progress},
};
use crate::{api::Architecture, cli::CommandResult};
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
const BLOCKED_GRACE: Duration = Duration::from_secs(10);
/// As shells have it: ended by a signal that asked for it.
const EXIT_INTERRUPTED: u8 = 130;

type WatchEvent = watcher::Result<Option<DynamicObject>>;

/// Follows the Architecture `name`.
///
/// # Errors
/// When it is not there, or the cluster does not answer or refuses.
pub(super) async fn run(cluster: &ClusterArgs, name: &str, timeout: Duration) -> CommandResult {
    let cluster = Cluster::connect(cluster, None).await?;
    let api: Api<DynamicObject> = cluster.dynamic_api(&ApiResource::erase::<Architecture>(&()));
    // A watch waits for what is not there or not allowed; whoever asks would rather know.
    let found = api.get_opt(name).await;
    let found =
        found.map_err(|error| cluster.read_error(&format!("Architecture {name}"), error))?;
    let found = found.ok_or_else(|| cluster.not_found_error(name))?;
    let mut following = StatusWatch { name, last_line: String::new(), blocked_since: None };
    if let Some(code) = following.handle_event(Some(Ok(Some(found))))? {
        return Ok(code);
    }
    let events = watcher::watch_object(api, name).default_backoff();
    following.until_finished(events, Instant::now() + timeout).await
}

struct StatusWatch<'a> {
    name: &'a str,
    /// The last line, which is not said again.
    last_line: String,
    /// Since when something stands in the way.
    blocked_since: Option<Instant>,
}

impl StatusWatch<'_> {
    async fn until_finished(
        mut self,
        events: impl Stream<Item = WatchEvent>,
        deadline: Instant,
    ) -> CommandResult {
        let mut events = pin!(events);
        let mut interrupted = pin!(tokio::signal::ctrl_c());
        loop {
            let patience = self.blocked_since.map(|since| since + BLOCKED_GRACE);
            let next = patience.map_or(deadline, |patience| patience.min(deadline));
            let code = tokio::select! {
                biased;
                event = events.next() => self.handle_event(event)?,
                _ = &mut interrupted => Some(ExitCode::from(EXIT_INTERRUPTED)),
                () = sleep_until(next) => Some(self.time_out(next < deadline)?),
            };
            if let Some(code) = code {
                return Ok(code);
            }
        }
    }

    /// Says what there is to say, and whether that is all.
    fn handle_event(&mut self, event: Option<WatchEvent>) -> io::Result<Option<ExitCode>> {
        let object = match event {
            Some(Ok(Some(object))) => object,
            Some(Ok(None)) => {
                self.print_line(&format!("{} is gone", self.name))?;
                return Ok(Some(ExitCode::FAILURE));
            }
            // It is tried again.
            Some(Err(error)) => {
                self.print_line(&format!("no news: {error}"))?;
                return Ok(None);
            }
            None => return Ok(Some(ExitCode::FAILURE)),
        };
        let (line, verdict) = match parse_object(object) {
            Ok(seen) => assess_progress(&seen),
            Err(error) => (format!("its status is unreadable: {error}"), ProgressState::InProgress),
        };
        self.print_line(&line)?;
        self.blocked_since = match verdict {
            ProgressState::Blocked => self.blocked_since.or_else(|| Some(Instant::now())),
            ProgressState::InProgress | ProgressState::Done | ProgressState::Refused => None,
        };
        Ok(match verdict {
            ProgressState::InProgress | ProgressState::Blocked => None,
            ProgressState::Done => Some(ExitCode::SUCCESS),
            ProgressState::Refused => Some(ExitCode::FAILURE),
        })
    }

    /// The time is up; `blocked`: for what stands in the way.
    fn time_out(&mut self, blocked: bool) -> io::Result<ExitCode> {
        if !blocked {
            self.print_line("timed out")?;
        }
        Ok(ExitCode::FAILURE)
    }

    fn print_line(&mut self, line: &str) -> io::Result<()> {
        if line == self.last_line {
            return Ok(());
        }
        self.last_line = line.to_owned();
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        writeln!(io::stdout(), "{now}  {line}")
    }
}

fn parse_object(object: DynamicObject) -> serde_json::Result<ObservedArchitecture> {
    serde_json::from_value(serde_json::to_value(object)?)
}
