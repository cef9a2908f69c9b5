//! `maquette plan --watch`: prints a line for each change of an Architecture's status, until the
//! change is done or cannot be.

use super::{
    Cluster, ClusterArgs,
    progress::{ObservedArchitecture, ProgressState, assess_progress},
};
use crate::{api::Architecture, cli::CommandResult};
use anyhow::Context;
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

/// A change that is blocked for this long is reported as a failure.
const BLOCKED_GRACE: Duration = Duration::from_secs(10);
/// 128 + SIGINT, as shells report it.
const EXIT_INTERRUPTED: u8 = 130;

type WatchEvent = watcher::Result<Option<DynamicObject>>;

/// Watches the Architecture `name` for at most `timeout`.
///
/// # Errors
/// When there is no such Architecture, or the cluster does not answer or refuses.
pub(super) async fn run(
    cluster_args: &ClusterArgs,
    name: &str,
    timeout: Duration,
) -> CommandResult {
    let cluster = Cluster::connect(cluster_args, None).await?;
    let api: Api<DynamicObject> = cluster.dynamic_api(&ApiResource::erase::<Architecture>(&()));
    // A watch waits in silence for an object that is missing or forbidden; a get fails at once.
    let first = api
        .get_opt(name)
        .await
        .with_context(|| cluster.cannot_read(&format!("Architecture {name}")))?
        .ok_or_else(|| cluster.not_found_error(name))?;
    let mut watch = StatusWatch { name, last_line: String::new(), blocked_since: None };
    if let Some(code) = watch.handle_event(Some(Ok(Some(first))))? {
        return Ok(code);
    }
    let events = watcher::watch_object(api, name).default_backoff();
    watch.until_finished(events, Instant::now() + timeout).await
}

struct StatusWatch<'a> {
    name: &'a str,
    /// The line that was printed last; the same line is not printed twice in a row.
    last_line: String,
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
            let grace_ends = self.blocked_since.map(|since| since + BLOCKED_GRACE);
            let next = grace_ends.map_or(deadline, |end| end.min(deadline));
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

    /// Prints the new status, and gives the exit code if the watch is over.
    fn handle_event(&mut self, event: Option<WatchEvent>) -> io::Result<Option<ExitCode>> {
        let object = match event {
            Some(Ok(Some(object))) => object,
            Some(Ok(None)) => {
                self.print_line(&format!("Architecture {} was deleted", self.name))?;
                return Ok(Some(ExitCode::FAILURE));
            }
            // The stream tries again by itself.
            Some(Err(error)) => {
                self.print_line(&format!("cannot watch, trying again: {error}"))?;
                return Ok(None);
            }
            None => return Ok(Some(ExitCode::FAILURE)),
        };
        let (line, state) = match parse_object(object) {
            Ok(observed) => assess_progress(&observed),
            Err(error) => (format!("its status is unreadable: {error}"), ProgressState::InProgress),
        };
        self.print_line(&line)?;
        self.blocked_since = match state {
            ProgressState::Blocked => self.blocked_since.or_else(|| Some(Instant::now())),
            ProgressState::InProgress | ProgressState::Done | ProgressState::Refused => None,
        };
        Ok(match state {
            ProgressState::InProgress | ProgressState::Blocked => None,
            ProgressState::Done => Some(ExitCode::SUCCESS),
            ProgressState::Refused => Some(ExitCode::FAILURE),
        })
    }

    /// Ends the watch: after the timeout, or because the change `is_blocked` for too long, which
    /// the last line already shows.
    fn time_out(&mut self, is_blocked: bool) -> io::Result<ExitCode> {
        if !is_blocked {
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
