//! What every role shares. One concern a file.
//!
//! # How a role fits
//!
//! A role is a function `pub async fn run(process: Process) -> Result<(), RunError>` that `run.rs`
//! dispatches to, and a type that implements [`Settings`]: what the role makes of its part of the
//! configuration (its connections, its edges with their probes), built anew at each reload from
//! what was before. It
//!
//! 1. starts the runtime: `let runtime = Runtime::<MySettings>::start(process)?` (from then on the
//!    admin port answers, the file is watched, signals are heard);
//! 2. names what must be true before it is ready:
//!    `let recovered = runtime.readiness.condition("recovered", "the database is not open yet")`,
//!    and later `recovered.fulfil()`; a pod without any condition is never ready;
//! 3. registers its metrics, `runtime.metrics.register("items", "Items held", gauge.clone())`,
//!    and adds its own part to `/observations`: `runtime.report(move |report| report.items = ...)`;
//! 4. binds ports with [`serve::bind`] and serves HTTP with [`serve::serve`], or listens itself
//!    until `runtime.shutdown.draining().await`;
//! 5. for each request calls `runtime.config.begin()`: the guard holds the configuration that the
//!    request runs under to its end, and counts it;
//! 6. returns when it has drained; the process then ends with code 0.
//!
//! Nothing in here knows what a role does.

pub mod admin;
mod cli;
mod clock;
mod config;
mod config_handle;
mod edge;
pub mod headers;
pub mod latency_model;
mod lock;
pub mod logs;
mod metrics;
mod probe;
mod readiness;
mod reload;
mod run_error;
pub mod serve;
pub mod shutdown;
mod sliding_window;
mod trace;
mod upstream;

pub use cli::Options;
pub use clock::{VersionClock, wall_millis, whole_micros};
pub use config::{ConfigDocument, ConfigError, LoadedConfig, RoleSettings};
pub use config_handle::{Config, RequestGuard};
pub use edge::{Edge, Protocol};
pub use lock::lock;
pub use metrics::MetricsRegistry;
pub use readiness::{Readiness, ReadinessCondition};
pub use run_error::RunError;
pub use serve::ListenError;
pub use shutdown::Shutdown;
pub use sliding_window::SlidingWindow;
pub(crate) use upstream::RETRY_BACKOFF;
pub use upstream::{CallError, CallRequest, CallResponse, Upstream};

use maquette_contract::Observations;
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

/// What a role starts from.
#[derive(Debug)]
pub struct Process {
    /// The flags.
    pub options: Options,
    /// The configuration as it was found at the start.
    pub document: ConfigDocument,
    /// How the process is asked to stop.
    pub shutdown: Shutdown,
}

/// What a role adds to the report of its pod.
type Reporter = Box<dyn Fn(&mut Observations) + Send + Sync>;

/// The running process, as its role sees it.
pub struct Runtime<S> {
    /// The flags.
    pub options: Options,
    /// The configuration in force, and the requests that run under it or an older one.
    pub config: Config<S>,
    /// What must be true before the pod gets traffic.
    pub readiness: Readiness,
    /// How the process is asked to stop.
    pub shutdown: Shutdown,
    /// The metrics on the admin port.
    pub metrics: MetricsRegistry,
    /// The requests that this pod answered lately.
    pub served_traffic: SlidingWindow,
    /// Gives versions to writes.
    pub clock: VersionClock,
    /// Where the admin port listens.
    pub admin_address: SocketAddr,
    reporter: OnceLock<Reporter>,
}

impl<S: RoleSettings> Runtime<S> {
    /// Opens the admin port and begins to watch the configuration.
    ///
    /// # Errors
    /// If the document is another role's, or the admin port is taken.
    pub async fn start(process: Process) -> Result<Arc<Self>, RunError> {
        let Process { options, document, shutdown } = process;
        let metrics = MetricsRegistry::default();
        let config = reload::start_watching(&options.config, document, &metrics)?;
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
        });
        admin::start_admin_server(listener, &runtime);
        let loaded = runtime.config.current();
        tracing::info!(
            architecture = %loaded.architecture, component = %loaded.component, role = %S::ROLE,
            pod = runtime.options.pod, revision = %loaded.revision, admin = %runtime.admin_address,
            "started"
        );
        Ok(runtime)
    }

    /// Adds the role's own part to the report of this pod; the first call counts.
    pub fn set_reporter(&self, reporter: impl Fn(&mut Observations) + Send + Sync + 'static) {
        // A second reporter would be a mistake in the role, without harm: the first one stays.
        let _ = self.reporter.set(Box::new(reporter));
    }

    /// The report of this pod, as of now.
    pub fn observations(&self) -> Observations {
        let (loaded, older_requests) = self.config.snapshot();
        let mut report = Observations {
            component: loaded.component.clone(),
            pod: self.options.pod.clone(),
            revision: loaded.revision.clone(),
            older_requests,
            edges: loaded.settings.edges().iter().map(|edge| edge.observation()).collect(),
            served: self.served_traffic.current_traffic(),
            migration_sources: loaded.settings.migration_sources(),
            items: None,
            peer: None,
            load: None,
        };
        if let Some(reporter) = self.reporter.get() {
            reporter(&mut report);
        }
        report
    }
}
