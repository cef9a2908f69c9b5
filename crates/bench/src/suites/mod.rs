//! What is measured: one file each.

mod hops;
mod load;
mod memory;
mod peers;
mod store;

use crate::table;
use anyhow::Result;
use clap::ValueEnum;
use std::path::PathBuf;

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// A store beside Redis.
    Store,
    /// Two HTTP hops beside one, and beside a bare server.
    Hops,
    /// The CPU time of peers.
    Peers,
    /// The CPU time of the load.
    Load,
    /// The memory of each role.
    Memory,
}

impl Suite {
    const ALL: [Self; 5] = [Self::Store, Self::Hops, Self::Peers, Self::Load, Self::Memory];
}

/// What all suites need.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) workload: PathBuf,
    pub(crate) rounds: usize,
}

impl Bench {
    /// Runs the suites in `only`, or all if it is empty, and prints the table.
    pub(crate) fn run(&self, only: &[Suite]) -> Result<()> {
        table::print_head();
        for suite in Suite::ALL {
            if !only.is_empty() && !only.contains(&suite) {
                continue;
            }
            match suite {
                Suite::Store => store::measure(self)?,
                Suite::Hops => hops::measure(self)?,
                Suite::Peers => peers::measure(self)?,
                Suite::Load => load::measure(self)?,
                Suite::Memory => memory::measure(self)?,
            }
        }
        Ok(())
    }
}
