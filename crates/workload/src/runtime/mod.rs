//! What every role shares.
//!
//! Owns the process around a role: flags, the configuration and its reload, readiness and the
//! graceful stop, the admin port, logs and metrics, probes, and HTTP between components. Never
//! depends on a role.
//!
//! # How a role uses it
//!
//! A role is a function `pub async fn run(process: Process) -> Result<(), RunError>`, which
//! `run.rs` dispatches to, and a type that implements [`RoleSettings`]: what the role builds from
//! its part of the configuration (connections, edges with their probes), at the start and at each
//! reload. It
//!
//! 1. starts the runtime: `let runtime = Runtime::<MySettings>::start(process).await?`. From then
//!    on the admin port answers and the configuration file is watched;
//! 2. adds the conditions of its readiness:
//!    `let recovered = runtime.readiness.add_condition("recovered", "items are not recovered")`,
//!    and later `recovered.mark_met()`. A pod without conditions is never ready;
//! 3. registers its metrics, `runtime.metrics.register("items", "Items on disk", gauge.clone())`,
//!    and adds its part of `/observations`:
//!    `runtime.set_reporter(move |report| report.items = ...)`;
//! 4. binds ports with [`serve::bind`] and serves HTTP with [`serve::serve_http`], or accepts
//!    connections itself until `runtime.shutdown.wait_until_draining().await`;
//! 5. calls `runtime.config.begin_request()` for each request: the guard counts the request and
//!    holds the configuration that it runs under;
//! 6. returns once it has drained. The process then ends with code 0.

mod admin;
mod cli;
mod clock;
mod config;
pub mod latency_model;
mod lifecycle;
mod lock;
mod probes;
mod run_error;
mod telemetry;
mod transport;

pub use cli::Options;
pub use clock::{VersionClock, wall_millis, whole_micros};
pub use config::{
    ConfigDocument, ConfigError, ConfigHandle, LoadedConfig, RequestGuard, RoleSettings,
};
pub use lifecycle::{
    Readiness, ReadinessCondition,
    shutdown::{self, Shutdown},
};
pub use lock::lock;
pub use probes::{Edge, EdgeTarget, Protocol};
pub use run_error::RunError;
pub use telemetry::{DamagedItemLog, MetricsRegistry, SlidingWindow, logs};
pub(crate) use transport::{CONNECT_OPTIONS, PING_PATH, RETRY_BACKOFF, host_header};
pub use transport::{
    CallError, CallRequest, CallResponse, Upstream, add_recipient, check_recipient, headers,
    misdirected_reason,
    serve::{self, ListenError},
};

use maquette_contract::{DamagedItems, Observations};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

/// The input of a role: flags, configuration and the stop signal.
#[derive(Debug)]
pub struct Process {
    /// The flags of the `workload` command.
    pub options: Options,
    /// The configuration as read at the start.
    pub document: ConfigDocument,
    /// The stop request and its stages.
    pub shutdown: Shutdown,
}

/// Fills the role's part of the pod's observations.
type Reporter = Box<dyn Fn(&mut Observations) + Send + Sync>;

/// Writes the histograms of the role; none if it cannot.
type HistogramLog = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The running process, as its role sees it.
pub struct Runtime<S> {
    /// The flags of the `workload` command.
    pub options: Options,
    /// The configuration in force, and the requests that run under it or an older one.
    pub config: ConfigHandle<S>,
    /// The conditions that must be met before the pod gets traffic.
    pub readiness: Readiness,
    /// The stop request and its stages.
    pub shutdown: Shutdown,
    /// The metrics that the admin port serves.
    pub metrics: MetricsRegistry,
    /// The requests that this pod answered in the last 15 s.
    pub served_traffic: SlidingWindow,
    /// Assigns versions to the writes of this pod.
    pub clock: VersionClock,
    /// The address of the admin port; its port is free to choose with `--admin-port 0`.
    pub admin_address: SocketAddr,
    reporter: OnceLock<Reporter>,
    damaged_items: Gauge,
    histogram_log: OnceLock<HistogramLog>,
}

impl<S: RoleSettings> Runtime<S> {
    /// Opens the admin port and starts to watch the configuration.
    ///
    /// # Errors
    /// If the document is not valid or is of another role, or if the admin port is taken.
    pub async fn start(process: Process) -> Result<Arc<Self>, RunError> {
        let Process { options, document, shutdown } = process;
        let metrics = MetricsRegistry::default();
        let damaged_items = Gauge::default();
        let help = "Kept items that cannot be read, as far as this pod has seen them";
        metrics.register("damaged_items", help, damaged_items.clone());
        let config = config::reload::start_watching(&options.config, document, &metrics)?;
        let readiness = Readiness::default();
        let listener = serve::bind(options.listen_ip, options.admin_port).await?;
        let runtime = Arc::new(Self {
            clock: VersionClock::new(&options.pod),
            config,
            readiness,
            shutdown,
            metrics,
            served_traffic: SlidingWindow::default(),
            admin_address: serve::address(&listener)?,
            options,
            reporter: OnceLock::new(),
            damaged_items,
            histogram_log: OnceLock::new(),
        });
        admin::start_admin_server(listener, &runtime);
        let loaded = runtime.config.current();
        tracing::info!(
            architecture = %loaded.identity.architecture, component = %loaded.component(), role = %S::ROLE,
            pod = runtime.options.pod, revision = %loaded.revision, admin = %runtime.admin_address,
            "started"
        );
        Ok(runtime)
    }

    /// Sets the function that fills the role's part of the observations; only the first call
    /// counts.
    pub fn set_reporter(&self, reporter: impl Fn(&mut Observations) + Send + Sync + 'static) {
        // An error means that a reporter is set already; it stays.
        let _ = self.reporter.set(Box::new(reporter));
    }

    /// All metrics, as the admin port serves them.
    ///
    /// # Errors
    /// As [`MetricsRegistry::text`].
    pub(super) fn metrics_text(&self) -> Result<String, fmt::Error> {
        let damaged = self.observations().damaged_items.count;
        self.damaged_items.set(i64::try_from(damaged).unwrap_or(i64::MAX));
        self.metrics.text()
    }

    /// Sets the function that writes the role's histograms for `/histograms`; only the first call
    /// counts.
    pub fn set_histogram_log(&self, log: impl Fn() -> Option<String> + Send + Sync + 'static) {
        // An error means that a function is set already; it stays.
        let _ = self.histogram_log.set(Box::new(log));
    }

    /// The role's histograms; none if the role has none.
    pub fn histogram_log(&self) -> Option<String> {
        self.histogram_log.get().and_then(|log| log())
    }

    /// The observations of this pod at the moment of the call.
    pub fn observations(&self) -> Observations {
        let (loaded, older_requests) = self.config.snapshot();
        let edges = loaded.settings.edges();
        let mut damaged_items = DamagedItems::default();
        edges.iter().for_each(|edge| damaged_items.add(edge.damaged.observation()));
        let mut report = Observations {
            component: loaded.component().clone(),
            pod: self.options.pod.clone(),
            revision: loaded.revision.clone(),
            older_requests,
            edges: edges.iter().map(|edge| edge.observation()).collect(),
            served: self.served_traffic.current_traffic(),
            migration_sources: loaded.settings.migration_sources(),
            items: None,
            damaged_items,
            volume: None,
            peer: None,
            load: None,
        };
        if let Some(reporter) = self.reporter.get() {
            reporter(&mut report);
        }
        report
    }
}
