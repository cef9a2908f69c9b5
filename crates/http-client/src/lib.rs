//! The parts of an HTTP/1.1 client that Maquette's operator and its workload share.
//!
//! Owns how a connection pool is built ([`PoolOptions`]), how a response body is read within a
//! bound ([`read_body`]), how names are resolved ([`Resolver`]), the pauses between attempts ([`Backoff`]) and how an error and its causes
//! become one line of text ([`error_chain`]).
//!
//! It never decides whether a request is repeated, sets no deadline for a request, and interprets
//! no path or body: callers do.

mod backoff;
mod body;
mod causes;
mod pool;
mod resolve;

pub use backoff::Backoff;
pub use body::{BodyError, read_body};
pub use causes::{causes, error_chain};
pub use pool::{ConnectionPool, PoolOptions};
pub use resolve::{Resolver, resolve_address};
