//! A running model becomes another, and nobody notices.

mod turning_back;
mod under_load;
mod volumes;
pub(crate) mod watched;
