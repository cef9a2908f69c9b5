//! `maquette plan`: tells what a change will do, step by step, without doing it; or follows one that
//! is under way.

mod progress;
mod watch;

use super::{
    CommandResult,
    checked::{self, CheckedArchitecture},
    cluster::{self, Cluster, ClusterArgs, LiveArchitecture},
};
use crate::{
    api::{Architecture, Shape},
    evolve,
    graph::Model,
    observe::RunningTopology,
    plan::Topology,
    preview::{self, CurrentState, Preview, SharedSettings},
};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// What to tell.
///
/// Tells what applying a file will do, step by step, and does nothing: which components come, change and
/// go, where requests and items go, what becomes of volumes, and what cannot be done. It asks the
/// same code that the operator does. What runs is taken to work: the operator waits where it does
/// not.
///
/// With --watch, follows a change that is under way until it is done.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The Architecture, if there are several in the file.
    #[arg(value_name = "NAME", conflicts_with = "watch")]
    name: Option<String>,
    /// The file that is to be applied, YAML or JSON; `-` reads the standard input. It is compared
    /// with the Architecture of its name in the cluster.
    #[arg(short, long, value_name = "NEW", required_unless_present = "watch")]
    filename: Option<PathBuf>,
    /// A file that says what runs, instead of the cluster: none is asked then. Its Architecture is
    /// taken for the same, whatever it is called.
    #[arg(long, value_name = "OLD", conflicts_with = "watch")]
    from: Option<PathBuf>,
    /// How to write it.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: PlanFormat,
    /// Follow the Architecture of this name, a line for each change, until all of it works as
    /// specified.
    #[arg(long, value_name = "NAME", conflicts_with = "filename")]
    watch: Option<String>,
    /// How long --watch waits, such as 90s, 5m or 1h30m; 0 looks once.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_timeout)]
    timeout: Duration,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Exit codes:
  0  there is nothing to do; with --watch: it is done
  1  it cannot be done, or this command failed, or was not understood; with --watch also: it is
     blocked, or took longer than --timeout
  2  there is something to do

Examples:
  maquette plan -f shop.yaml                    what applying it to the cluster would do
  maquette plan -f new.yaml --from old.yaml     without a cluster
  maquette plan -f shop.yaml -o json | jq .items
  kubectl apply -f shop.yaml && maquette plan --watch shop --timeout 10m";

/// How a plan is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlanFormat {
    /// Words, a line for each thing that happens.
    Text,
    /// One JSON object.
    Json,
    /// The same in YAML.
    Yaml,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let micros = if text == "0" { Some(0) } else { crate::api::parse_micros(text) };
    micros.map(Duration::from_micros).ok_or_else(|| "write 90s, 5m or 1h30m".to_owned())
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// There is no Architecture to plan for.
    #[error(transparent)]
    Specified(#[from] checked::Error),
    /// Nothing is known of what runs.
    #[error(transparent)]
    Live(#[from] cluster::Error),
    /// It has no name to look for in the cluster.
    #[error("metadata.name is missing: give the Architecture its name, or --from a file")]
    NoName,
    /// It is for another namespace.
    #[error("Architecture {name} is for namespace {own}, not {given}: give --namespace={own}")]
    NamespaceMismatch {
        /// Its name.
        name: String,
        /// The namespace in its metadata.
        own: String,
        /// The namespace of the command line.
        given: String,
    },
}

/// The whole answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanReport {
    /// The Architecture.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The shape before; none if there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Shape>,
    /// The shape after.
    to: Shape,
    #[serde(flatten)]
    preview: Preview,
}

/// Tells, or follows.
///
/// # Errors
/// When a file or what runs cannot be read, or an Architecture is not valid.
pub(super) async fn run(args: &Args) -> CommandResult {
    if let Some(name) = &args.watch {
        return watch::run(&args.cluster, name, args.timeout).await;
    }
    let plan = match &args.from {
        Some(old) => plan_without_cluster(&checked::read_one(old, None, "")?, &read_new(args, "")?),
        None => plan_with_cluster(args).await?,
    };
    let text = match args.output {
        PlanFormat::Text => plan.to_text(),
        PlanFormat::Json => serde_json::to_string_pretty(&plan)? + "\n",
        PlanFormat::Yaml => serde_norway::to_string(&plan)?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(plan.exit_code())
}

impl PlanReport {
    fn to_text(&self) -> String {
        let place = self.namespace.as_ref().map(|namespace| format!(" in {namespace}"));
        let shapes = match self.from {
            None => format!("a new {:?}", self.to),
            Some(from) if from == self.to => format!("{from:?}"),
            Some(from) => format!("from {from:?} to {:?}", self.to),
        };
        let title = format!("{}{}, {shapes}", self.name, place.unwrap_or_default());
        match self.preview.is_empty() {
            true => format!("{title}: nothing to do\n"),
            false => format!("{title}\n\n{}", preview::render_text(&self.preview)),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match (self.preview.cannot.is_empty(), self.preview.is_empty()) {
            (false, _) => ExitCode::FAILURE,
            (true, true) => ExitCode::SUCCESS,
            (true, false) => ExitCode::from(2),
        }
    }
}

fn read_new(args: &Args, namespace: &str) -> Result<CheckedArchitecture, checked::Error> {
    let file = args.filename.clone().unwrap_or_default();
    checked::read_one(&file, args.name.as_deref(), namespace)
}

fn plan_without_cluster(old: &CheckedArchitecture, new: &CheckedArchitecture) -> PlanReport {
    let Topology { pods, retention, .. } = &old.topology;
    let before = CurrentState {
        running: &evolve::healthy_cluster(&old.topology),
        settings: Some(SharedSettings { pods, retention }),
        claims: &BTreeMap::new(),
        specified: has_same_shape(&old.architecture, new).then_some(&old.topology),
    };
    PlanReport {
        name: new.name.clone(),
        namespace: new.architecture.metadata.namespace.clone(),
        from: Some(old.architecture.spec.shape),
        to: new.architecture.spec.shape,
        preview: preview::preview_change(&before, &new.topology),
    }
}

async fn plan_with_cluster(args: &Args) -> Result<PlanReport, Error> {
    // Which namespace it is may be the context's to say; what is planned does not depend on it.
    let new = read_new(args, "")?;
    let namespace = new.architecture.metadata.namespace.clone();
    let cluster = Cluster::connect(&args.cluster, namespace.clone()).await?;
    if let Some(own) = namespace.filter(|own| *own != cluster.namespace) {
        return Err(Error::NamespaceMismatch { name: new.name, own, given: cluster.namespace });
    }
    if new.architecture.metadata.name.is_none() {
        return Err(Error::NoName);
    }
    let found = cluster.find_architecture(&new.name).await?;
    let plan = PlanReport {
        name: new.name.clone(),
        namespace: Some(cluster.namespace),
        from: found.as_ref().map(|found| found.architecture.spec.shape),
        to: new.architecture.spec.shape,
        preview: match &found {
            Some(found) => preview_change(found, &new),
            None => preview::from_nothing(&new.topology),
        },
    };
    Ok(plan)
}

fn preview_change(found: &LiveArchitecture, new: &CheckedArchitecture) -> Preview {
    for note in readiness_notes(&found.running) {
        eprintln!("note: {note}");
    }
    let spec = &found.architecture.spec;
    let before = CurrentState {
        running: &found.running,
        settings: Some(SharedSettings {
            pods: &spec.pods.clone().unwrap_or_default(),
            retention: &spec.retention,
        }),
        claims: &found.claims,
        specified: found.desired.as_ref().filter(|_| has_same_shape(&found.architecture, new)),
    };
    preview::preview_change(&before, &new.topology)
}

fn has_same_shape(old: &Architecture, new: &CheckedArchitecture) -> bool {
    old.spec.shape == new.architecture.spec.shape
}

/// What does not work as is taken for granted.
fn readiness_notes(running: &RunningTopology) -> Vec<String> {
    let unknown = Model::unknown_components(running).into_iter();
    let unknown = unknown
        .map(|component| format!("{component} lacks its ConfigMap or workload: it is made anew"));
    let short = running.components().filter_map(|(name, found)| {
        let (planned, workload) = (found.planned.as_ref()?, found.workload.as_ref()?);
        let (ready, of) = (workload.updated.min(workload.available), planned.replicas);
        let note = format!("{name} has {ready} of {of} pods ready: the change waits for all");
        (ready < of).then_some(note)
    });
    unknown.chain(short).collect()
}
