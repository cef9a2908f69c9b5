//! Times in requests: relative or absolute, in seconds or milliseconds.

use super::CommandError;
use crate::storage::now_millis;

/// How a request tells a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeUnit {
    millis: i64,
    from_now: bool,
}

impl TimeUnit {
    pub(super) const SECONDS_FROM_NOW: Self = Self { millis: 1000, from_now: true };
    pub(super) const MILLIS_FROM_NOW: Self = Self { millis: 1, from_now: true };
    pub(super) const UNIX_SECONDS: Self = Self { millis: 1000, from_now: false };
    pub(super) const UNIX_MILLIS: Self = Self { millis: 1, from_now: false };

    /// The unit of the option `EX`, `PX`, `EXAT` or `PXAT`.
    pub(super) fn of_option(option: &[u8]) -> Option<Self> {
        Some(match option {
            b"EX" => Self::SECONDS_FROM_NOW,
            b"PX" => Self::MILLIS_FROM_NOW,
            b"EXAT" => Self::UNIX_SECONDS,
            b"PXAT" => Self::UNIX_MILLIS,
            _ => return None,
        })
    }
}

/// The time in milliseconds since 1970; times before that are 0.
pub(super) fn expiry_time(number: i64, unit: TimeUnit, command: &str) -> Result<u64, CommandError> {
    let start = if unit.from_now { i64::try_from(now_millis()).unwrap_or(i64::MAX) } else { 0 };
    let time = number.checked_mul(unit.millis).and_then(|time| time.checked_add(start));
    let time = time.ok_or_else(|| CommandError::invalid_expire_time(command))?;
    Ok(u64::try_from(time).unwrap_or(0))
}

/// As [`expiry_time`]; refuses a number below 1, as commands do that store a value.
pub(super) fn positive_expiry_time(
    number: i64,
    unit: TimeUnit,
    command: &str,
) -> Result<u64, CommandError> {
    if number <= 0 {
        return Err(CommandError::invalid_expire_time(command));
    }
    expiry_time(number, unit, command)
}
