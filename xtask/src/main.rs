//! `cargo run -p xtask -- generate` writes the generated files.

use anyhow::Context;
use clap::Parser;
use std::path::Path;

/// Tasks of the repository.
#[derive(Parser)]
enum Task {
    /// Write the generated files that are out of date, and print their paths.
    Generate,
}

fn main() -> anyhow::Result<()> {
    let Task::Generate = Task::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent")?;
    for path in xtask::write_generated(root)? {
        println!("written: {}", path.display());
    }
    Ok(())
}
