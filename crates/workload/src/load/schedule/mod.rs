//! When requests of an open loop start: the rate, the arrivals and a timer that is precise enough.

mod arrivals;
mod rate;
mod timer;

pub(super) use arrivals::Schedule;
pub(super) use rate::Rate;
pub(super) use timer::PreciseTimer;
