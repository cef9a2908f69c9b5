//! `cargo run -p xtask -- generate` writes the generated files anew.

use clap::Parser;
use std::{error::Error, path::Path};

/// Tasks of the repository.
#[derive(Parser)]
enum Task {
    /// Write every generated file that is out of date, and name it.
    Generate,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Task::Generate = Task::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent")?;
    for path in xtask::write_generated(root)? {
        println!("written: {}", path.display());
    }
    Ok(())
}
