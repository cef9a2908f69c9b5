//! Real peers on 127.0.0.1: real sockets, real files, each with a runtime of its own that can be
//! stopped at any moment, as a kill would.

mod deletion;
mod earlier_release;
mod failures;
mod first_start;
mod history;
mod internal_items;
mod left_behind;
pub(crate) mod linearizability;
pub(crate) mod links;
mod migration;
mod model;
mod pods;
mod repaired_values;
mod repeated_writes;
mod resizing;
mod strangers;
mod successor;
mod test_cluster;
mod values;

/// The seed of a test with random events: another one in each run, or that of the environment, which
/// plays a run again.
fn test_seed() -> u64 {
    match std::env::var("MAQUETTE_TEST_SEED") {
        Ok(text) => text.parse().expect("MAQUETTE_TEST_SEED is a number"),
        Err(_) => rand::random(),
    }
}
