//! A running model changes to another without a failed request.

pub(crate) mod observers;
mod reversal;
mod rolling;
mod under_load;
mod volumes;
