//! `maquette graph`: draws an Architecture, or how two differ.

use super::{
    CommandResult, checked,
    cluster::{Cluster, ClusterArgs},
};
use crate::graph::{self, Model, Picture};
use clap::ValueEnum;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What to draw, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The Architecture: in the cluster or, with --filename, in the file; needed there only if the
    /// file has several.
    #[arg(value_name = "NAME", required_unless_present = "filename")]
    name: Option<String>,
    /// A file with the Architecture, YAML or JSON, to use instead of the cluster; `-` reads the
    /// standard input.
    #[arg(short, long, value_name = "FILE")]
    filename: Option<PathBuf>,
    /// The format of the picture.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "mermaid")]
    output: GraphFormat,
    /// A file with the Architecture as it will be: the picture shows what comes, goes, changes and
    /// stays.
    #[arg(long, value_name = "OTHER")]
    diff: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  maquette graph -f shop.yaml                        Mermaid, for Markdown on GitHub
  maquette graph -f shop.yaml -o svg > shop.svg      a picture in one file
  maquette graph -f shop.yaml -o dot | dot -Tpdf     for Graphviz
  maquette graph shop -n default -o svg              what runs now
  maquette graph shop --diff new.yaml -o svg         how new.yaml would change what runs now
  git show HEAD:shop.yaml | maquette graph -f - --diff shop.yaml";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GraphFormat {
    /// A Mermaid flowchart, which GitHub draws in Markdown.
    Mermaid,
    /// DOT, the language of Graphviz.
    Dot,
    /// SVG, which browsers show.
    Svg,
}

/// A model and the texts above its picture.
struct NamedModel {
    name: String,
    /// The shape, or where the model runs.
    description: String,
    model: Model,
}

/// Draws a model, or the difference of two.
///
/// # Errors
/// When a file or the cluster cannot be read, or when an Architecture is not valid.
pub(super) async fn run(args: &Args) -> CommandResult {
    let current = match &args.filename {
        Some(file) => read_model(file, args.name.as_deref())?,
        None => fetch_model(args).await?,
    };
    let picture = match &args.diff {
        None => Picture::of_model(&current.model, &current.name, &current.description),
        Some(other) => diff_picture(&current, &read_model(other, None)?),
    };
    let text = match args.output {
        GraphFormat::Mermaid => graph::mermaid(&picture),
        GraphFormat::Dot => graph::dot(&picture),
        GraphFormat::Svg => graph::svg(&picture),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn diff_picture(before: &NamedModel, after: &NamedModel) -> Picture {
    let title = join_if_different(&before.name, &after.name);
    let subtitle = join_if_different(&before.description, &after.description);
    Picture::of_change(&before.model, &after.model, &title, &subtitle)
}

fn join_if_different(before: &str, after: &str) -> String {
    if before == after { before.to_owned() } else { format!("{before} → {after}") }
}

fn read_model(file: &Path, name: Option<&str>) -> anyhow::Result<NamedModel> {
    let checked = checked::read_one(file, name, "")?;
    Ok(NamedModel {
        name: checked.name,
        description: checked.architecture.spec.shape.as_str().to_owned(),
        model: Model::from_topology(&checked.topology),
    })
}

async fn fetch_model(args: &Args) -> anyhow::Result<NamedModel> {
    let name = args.name.clone().unwrap_or_default();
    let cluster = Cluster::connect(&args.cluster, None).await?;
    let live = cluster.get_architecture(&name).await?;
    for component in Model::unknown_components(&live.running) {
        eprintln!("left out: {component}, whose ConfigMap or workload is missing");
    }
    Ok(NamedModel {
        name,
        description: format!("what runs in {}", cluster.namespace),
        model: Model::from_running(&live.running),
    })
}
