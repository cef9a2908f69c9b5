//! A running model becomes another, and nobody notices.

pub(crate) mod observers;
mod reversal;
mod rolling;
mod under_load;
mod volumes;
