//! `maquette plan`: shows what a change will do, step by step, without doing it; or follows a
//! change that is in progress.

mod progress;
mod watch;

use super::{
    CommandResult,
    checked::{self, CheckedArchitecture},
    cluster::{Cluster, ClusterArgs, LiveArchitecture},
};
use crate::{
    api::{Architecture, Shape},
    evolve,
    graph::Model,
    observe::RunningTopology,
    plan::Topology,
    preview::{self, CurrentState, Preview, SharedSettings},
};
use anyhow::bail;
use clap::ValueEnum;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// What to plan or to follow.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The Architecture, if there are several in the file.
    #[arg(value_name = "NAME", conflicts_with = "watch")]
    name: Option<String>,
    /// The file to be applied, YAML or JSON; `-` reads the standard input. It is compared with the
    /// Architecture of the same name in the cluster.
    #[arg(short, long, value_name = "NEW", required_unless_present = "watch")]
    filename: Option<PathBuf>,
    /// A file with the Architecture as it is now, to use instead of the cluster. Its name may
    /// differ.
    #[arg(long, value_name = "OLD", conflicts_with = "watch")]
    from: Option<PathBuf>,
    /// The format of the plan.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: PlanFormat,
    /// Follow the Architecture of this name, with a line for each change of its status, until all
    /// of it works as specified.
    #[arg(long, value_name = "NAME", conflicts_with = "filename")]
    watch: Option<String>,
    /// How long --watch waits, such as 90s, 5m or 1h30m; 0 reads the status once.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_timeout)]
    timeout: Duration,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Exit codes:
  0  there is nothing to do; with --watch: the change is done
  1  the change cannot be done, the command failed, or the command line is not valid; with --watch
     also: the change is blocked, or took longer than --timeout
  2  there is something to do

Examples:
  maquette plan -f shop.yaml                    what applying it to the cluster would do
  maquette plan -f new.yaml --from old.yaml     without a cluster
  maquette plan -f shop.yaml -o json | jq .items
  kubectl apply -f shop.yaml && maquette plan --watch shop --timeout 10m";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlanFormat {
    /// A line for each thing that happens.
    Text,
    /// A single JSON object.
    Json,
    /// The same data in YAML.
    Yaml,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let micros = if text == "0" { Some(0) } else { crate::api::parse_micros(text) };
    micros.map(Duration::from_micros).ok_or_else(|| "write 90s, 5m or 1h30m".to_owned())
}

/// A plan and the Architecture that it is for. Serialized, it is what `-o json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanReport {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The shape before; none if the Architecture is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Shape>,
    to: Shape,
    #[serde(flatten)]
    preview: Preview,
}

/// Prints a plan, or follows a change.
///
/// # Errors
/// When a file or what runs cannot be read, or an Architecture is not valid.
pub(super) async fn run(args: &Args) -> CommandResult {
    if let Some(name) = &args.watch {
        return watch::run(&args.cluster, name, args.timeout).await;
    }
    let plan = match &args.from {
        Some(old) => plan_without_cluster(&checked::read_one(old, None, "")?, &read_new(args)?),
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
        let to = self.to.as_str();
        let shapes = match self.from {
            None => format!("a new {to}"),
            Some(from) if from == self.to => to.to_owned(),
            Some(from) => format!("from {} to {to}", from.as_str()),
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

fn read_new(args: &Args) -> anyhow::Result<CheckedArchitecture> {
    let file = args.filename.clone().unwrap_or_default();
    // What is planned does not depend on the namespace, which the context may have to decide.
    checked::read_one(&file, args.name.as_deref(), "")
}

fn plan_without_cluster(old: &CheckedArchitecture, new: &CheckedArchitecture) -> PlanReport {
    let Topology { pods, retention, .. } = &old.topology;
    // A running model is assumed, and its volumes exist: those changes are refused that the operator
    // would refuse then.
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

async fn plan_with_cluster(args: &Args) -> anyhow::Result<PlanReport> {
    let new = read_new(args)?;
    let namespace = new.architecture.metadata.namespace.clone();
    let cluster = Cluster::connect(&args.cluster, namespace.clone()).await?;
    if let Some(own) = namespace.filter(|own| *own != cluster.namespace) {
        bail!(
            "Architecture {} is for namespace {own}, not {}: give --namespace={own}",
            new.name,
            cluster.namespace
        );
    }
    if new.architecture.metadata.name.is_none() {
        bail!("metadata.name is missing: give the Architecture its name, or --from a file");
    }
    let live = cluster.find_architecture(&new.name).await?;
    let mut preview = match &live {
        Some(live) => preview_change(live, &new),
        None => preview::from_nothing(&new.topology),
    };
    if live.is_none() {
        preview.cannot.extend(cluster.missing_namespace().await);
    }
    for note in cluster.missing_classes(&new.topology, live.as_ref()).await {
        eprintln!("note: {note}");
    }
    if !preview.cannot.is_empty() {
        preview = Preview { cannot: preview.cannot, ..Preview::default() };
    }
    Ok(PlanReport {
        name: new.name.clone(),
        namespace: Some(cluster.namespace),
        from: live.as_ref().map(|live| live.architecture.spec.shape),
        to: new.architecture.spec.shape,
        preview,
    })
}

fn preview_change(live: &LiveArchitecture, new: &CheckedArchitecture) -> Preview {
    for note in readiness_notes(&live.running) {
        eprintln!("note: {note}");
    }
    let spec = &live.architecture.spec;
    let before = CurrentState {
        running: &live.running,
        settings: Some(SharedSettings {
            pods: &spec.pods.clone().unwrap_or_default(),
            retention: &spec.retention,
        }),
        claims: &live.claims,
        specified: live.desired.as_ref().filter(|_| has_same_shape(&live.architecture, new)),
    };
    preview::preview_change(&before, &new.topology)
}

fn has_same_shape(old: &Architecture, new: &CheckedArchitecture) -> bool {
    old.spec.shape == new.architecture.spec.shape
}

/// What is not healthy now, although the plan assumes that it is.
fn readiness_notes(running: &RunningTopology) -> Vec<String> {
    let incomplete = Model::unknown_components(running).into_iter().map(|component| {
        format!("{component} lacks its ConfigMap or workload: it will be created again")
    });
    let not_ready = running.components().filter_map(|(name, component)| {
        let (planned, workload) = (component.planned.as_ref()?, component.workload.as_ref()?);
        let (ready, desired) = (workload.updated.min(workload.available), planned.replicas);
        (ready < desired).then(|| {
            format!("{name} has {ready} of {desired} pods ready: the change waits for all")
        })
    });
    incomplete.chain(not_ready).collect()
}
