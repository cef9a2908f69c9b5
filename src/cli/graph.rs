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

/// What to draw.
///
/// Without a file, what runs in the cluster is drawn, as its objects say: components on their way in or
/// out too.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The Architecture: in the cluster or, with --filename, in the file, where it may be left out
    /// if there is only one.
    #[arg(value_name = "NAME", required_unless_present = "filename")]
    name: Option<String>,
    /// A file with the Architecture, YAML or JSON; `-` reads the standard input. No cluster is
    /// asked then.
    #[arg(short, long, value_name = "FILE")]
    filename: Option<PathBuf>,
    /// What to write.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "mermaid")]
    output: GraphFormat,
    /// A file with the Architecture as it will be: draws what comes, goes, changes and stays.
    #[arg(long, value_name = "OTHER")]
    diff: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  maquette graph -f shop.yaml                        Mermaid, for Markdown on GitHub
  maquette graph -f shop.yaml -o svg > shop.svg      a picture that needs nothing else
  maquette graph -f shop.yaml -o dot | dot -Tpdf     for Graphviz
  maquette graph shop -n default -o svg              what runs now
  maquette graph shop --diff new.yaml -o svg         what runs now, and what new.yaml would make of it
  git show HEAD:shop.yaml | maquette graph -f - --diff shop.yaml";

/// How a graph is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GraphFormat {
    /// A Mermaid flowchart, which GitHub draws in Markdown.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
    /// SVG, laid out already.
    Svg,
}

/// A model, its name, and in a few words what it is.
struct NamedModel {
    name: String,
    description: String,
    model: Model,
}

/// Draws.
///
/// # Errors
/// When a file or what runs cannot be read, or an Architecture is not valid.
pub(super) async fn run(args: &Args) -> CommandResult {
    let drawn = match &args.filename {
        Some(file) => read_model(file, args.name.as_deref())?,
        None => fetch_model(args).await?,
    };
    let picture = match &args.diff {
        None => Picture::of_model(&drawn.model, &drawn.name, &drawn.description),
        Some(other) => {
            let after = read_model(other, None)?;
            diff_picture(&drawn, &after)
        }
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
    let name = match before.name == after.name {
        true => before.name.clone(),
        false => format!("{} → {}", before.name, after.name),
    };
    let what = match before.description == after.description {
        true => before.description.clone(),
        false => format!("{} → {}", before.description, after.description),
    };
    Picture::of_change(&before.model, &after.model, &name, &what)
}

fn read_model(file: &Path, name: Option<&str>) -> Result<NamedModel, checked::Error> {
    let specified = checked::read_one(file, name, "")?;
    let what = format!("{:?}", specified.architecture.spec.shape);
    Ok(NamedModel {
        name: specified.name,
        description: what,
        model: Model::from_topology(&specified.topology),
    })
}

async fn fetch_model(args: &Args) -> Result<NamedModel, super::cluster::Error> {
    let name = args.name.clone().unwrap_or_default();
    let cluster = Cluster::connect(&args.cluster, None).await?;
    let found = cluster.get_architecture(&name).await?;
    for component in Model::unknown_components(&found.running) {
        eprintln!("left out: {component}, whose ConfigMap or workload is missing");
    }
    let what = format!("what runs in {}", cluster.namespace);
    Ok(NamedModel { name, description: what, model: Model::from_running(&found.running) })
}
