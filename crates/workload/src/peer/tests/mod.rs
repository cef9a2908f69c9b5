//! Real peers on 127.0.0.1: real sockets, real files, each with a runtime of its own that can be
//! ended at any moment, as a kill would.

mod cluster;
mod held;
mod history;
mod model;
mod moving;
mod origin;
mod pods;
mod successor;
mod surviving;
