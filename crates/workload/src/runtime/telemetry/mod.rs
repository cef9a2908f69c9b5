//! What the process reports of itself: logs, metrics and the traffic of the last seconds.
//!
//! Never exports what users choose (collections, ids, components, pods) as a metric label.

mod damaged_items;
pub mod logs;
mod metrics;
mod sliding_window;

pub use damaged_items::DamagedItemLog;
pub use metrics::MetricsRegistry;
pub use sliding_window::SlidingWindow;
