//! The maquette command.
fn main() {}
