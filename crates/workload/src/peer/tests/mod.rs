//! Real peers on 127.0.0.1: real sockets, real files, each with a runtime of its own that can be
//! stopped at any moment, as a kill would.

mod deletion;
mod failures;
mod history;
mod internal_items;
mod migration;
mod model;
mod pods;
mod resizing;
mod strangers;
mod successor;
mod test_cluster;
