//! A running model becomes another, and nobody notices.

mod rolling;
mod turning_back;
mod under_load;
mod volumes;
pub(crate) mod watched;
