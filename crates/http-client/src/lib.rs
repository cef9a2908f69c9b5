//! The HTTP/1.1 client that Maquette's operator and its workload share.
//!
//! Owns one connection with its time-outs ([`Connection`]), the connections to one target with the
//! pods that are left out ([`TargetPool`], [`OutlierDetector`]), how the operator's connection pool
//! is built ([`PoolOptions`]), how names are resolved ([`resolve`]), how a response body is read
//! within a bound ([`read_body`]), the pauses between attempts ([`Backoff`]) and how an error and
//! its causes become one line of text ([`error_chain`]).
//!
//! It never decides whether a request is repeated, sets no deadline for a request, and interprets
//! no path or body: callers do.

mod backoff;
mod body;
mod causes;
mod connection;
mod outlier;
mod pool;
mod resolve;
mod target_pool;

pub use backoff::Backoff;
pub use body::{BodyError, read_body};
pub use causes::{causes, error_chain};
pub use connection::{ConnectOptions, Connection, ExchangeError};
pub use outlier::{BASE_EJECTION_TIME, CONSECUTIVE_FAILURES, OutlierDetector, PodName};
pub use pool::{ConnectionPool, PoolOptions};
pub use resolve::{Resolver, resolve};
pub use target_pool::{TargetOptions, TargetPool, Try};
