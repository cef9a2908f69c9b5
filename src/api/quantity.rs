//! Kubernetes quantities, written in the one form that an API server gives back as it is.

use std::{fmt, str::FromStr};

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;

use super::error_list::{At, Findings, to_json};

/// The longest quantity that a spec may hold, in characters.
pub(crate) const MAX_LENGTH: u32 = 32;
/// What a quantity looks like. All that Kubernetes takes but what nobody writes: signs (`+1`), a
/// point without digits behind it (`1.`), fractions finer than its own nanos, and fractions of
/// exponents.
macro_rules! pattern {
    () => {
        "^([0-9]+([.][0-9]{1,9})?|[.][0-9]{1,9})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$"
    };
}
pub(crate) use pattern;
/// [`pattern`] as a value.
pub(crate) const PATTERN: &str = pattern!();

const NANOS: i128 = 1_000_000_000;
/// The API server rounds the amounts of pods and volumes up to thousandths.
const MILLI: i128 = NANOS / 1000;
/// Kubernetes caps quantities at 2^63-1.
const MAX_NANOS: i128 = i64::MAX as i128 * NANOS;
/// Suffixes and the powers of ten that they stand for.
const DECIMAL: [(&str, i32); 10] = [
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("", 0),
    ("m", -3),
    ("u", -6),
    ("n", -9),
];
/// Suffixes and the nanos that they stand for.
const BINARY: [(&str, i128); 6] = [
    ("Ei", NANOS << 60),
    ("Pi", NANOS << 50),
    ("Ti", NANOS << 40),
    ("Gi", NANOS << 30),
    ("Mi", NANOS << 20),
    ("Ki", NANOS << 10),
];

/// A Kubernetes quantity that is not negative. Two are equal if they are the same amount, however
/// they were written; as text it has the suffixes that it was written in, and those of powers of
/// ten where it was written with an exponent: of these, an API server gives back some as they are.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    notation: Notation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Decimal,
    Binary,
}

/// Why a string is not a quantity that Maquette takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity that is not negative, such as 500m, 2, 64Mi or 1Gi")]
pub struct QuantityError(String);

impl Quantity {
    /// The amount in whole units, rounded up.
    pub fn ceil(&self) -> u64 {
        u64::try_from((self.nanos + NANOS - 1) / NANOS).unwrap_or(u64::MAX)
    }

    /// True if it is nothing.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || QuantityError(text.to_owned());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
        let number = DecimalNumber::parse(number).ok_or_else(bad)?;
        let binary = BINARY.iter().find(|(name, _)| *name == suffix);
        let (nanos, style) = match (binary, decimal_exponent(suffix)) {
            (Some((_, unit)), _) => (number.in_units(*unit), Notation::Binary),
            (None, Some(exponent)) => (number.in_powers_of_ten(exponent), Notation::Decimal),
            (None, None) => return Err(bad()),
        };
        Ok(Self { nanos: round_up(nanos, MILLI).min(MAX_NANOS), notation: style })
    }
}

/// The next multiple of `unit`.
fn round_up(nanos: i128, unit: i128) -> i128 {
    divide_up(nanos, unit).saturating_mul(unit)
}

/// `amount / by`, rounded up.
fn divide_up(amount: i128, by: i128) -> i128 {
    amount / by + i128::from(amount % by != 0)
}

/// The power of ten that `suffix` stands for.
fn decimal_exponent(suffix: &str) -> Option<i32> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some(*exponent);
    }
    let written = suffix.strip_prefix(['e', 'E'])?;
    let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
    let few = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
    written.parse().ok().filter(|_| few)
}

/// A number as it is written: its digits, and how many of them are behind the point.
struct DecimalNumber {
    digits: i128,
    fraction_digits: u32,
}

impl DecimalNumber {
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let behind =
            u32::try_from(fraction.len()).ok().filter(|behind| (1..=9).contains(behind))?;
        let digits = format!("{whole}{fraction}");
        let known = !text.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // More digits fit than the longest quantity has.
        Some(Self { digits: digits.parse().ok().filter(|_| known)?, fraction_digits: behind })
    }

    /// The nanos of so many units. What does not fit is more than the most, also once divided.
    fn in_units(&self, unit: i128) -> i128 {
        divide_up(self.digits.saturating_mul(unit), 10_i128.pow(self.fraction_digits))
    }

    /// The nanos of so many units of a power of ten.
    fn in_powers_of_ten(&self, exponent: i32) -> i128 {
        let shift = exponent + 9 - self.fraction_digits.cast_signed();
        let power = 10_i128.pow(shift.unsigned_abs().min(38));
        if shift < 0 { divide_up(self.digits, power) } else { self.digits.saturating_mul(power) }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        match self.notation {
            Notation::Binary if self.nanos >= 1024 * NANOS => self.fmt_binary(f),
            _ => self.fmt_decimal(f),
        }
    }
}

impl Quantity {
    fn fmt_binary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = i128::from(self.ceil()) * NANOS;
        let fits = BINARY.iter().find(|(_, unit)| whole % unit == 0);
        let (suffix, unit) = fits.copied().unwrap_or(("", NANOS));
        write!(f, "{}{suffix}", whole / unit)
    }

    fn fmt_decimal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = |exponent: i32| 10_i128.pow((exponent + 9).unsigned_abs());
        let mut units = DECIMAL.iter().map(|(suffix, exponent)| (*suffix, unit(*exponent)));
        let fits = units.find(|(_, unit)| self.nanos % unit == 0);
        let (suffix, unit) = fits.unwrap_or(("n", 1));
        write!(f, "{}{suffix}", self.nanos / unit)
    }
}

/// Parses the quantity at `at`.
pub(crate) fn validate(raw: &RawQuantity, at: &At, findings: &mut Findings) -> Option<Quantity> {
    let quantity = raw.0.parse().ok();
    if quantity.is_none() {
        let message = "is not an amount: write a number that is not negative, with a suffix if \
                       need be, such as 250m, 2, 64Mi or 1Gi";
        findings.add(at, to_json(&raw.0), message);
    }
    quantity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_canonical_as_in_kubernetes() {
        let cases = [
            ("1000m", "1"),
            ("1.5", "1500m"),
            ("0.5Gi", "512Mi"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("0.5Ki", "512"),
            ("1023Ki", "1023Ki"),
            ("1e3", "1k"),
            ("12e5", "1200k"),
            ("5E0", "5"),
            ("5e+2", "500"),
            ("1E3", "1k"),
            ("1.5e-1", "150m"),
            ("129e06", "129M"),
            ("2e10", "20G"),
            ("0e99", "0"),
            ("1e-99", "1m"),
            ("1e99", "9223372036854775807"),
            ("0", "0"),
            ("0Mi", "0"),
            ("100u", "1m"),
            ("1.0001", "1001m"),
            ("0.1n", "1m"),
            (".5", "500m"),
            ("1E", "1E"),
            ("00001.500000000", "1500m"),
            ("8.999999999Ei", "9223372036854775807"),
            ("99999999999999999999999.999999999Ei", "9223372036854775807"),
            ("99999999999999999999999999", "9223372036854775807"),
        ];
        for (written, canonical) in cases {
            assert_eq!(written.parse::<Quantity>().map(|q| q.to_string()), Ok(canonical.into()));
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for bad in [
            "",
            "-1",
            "Gi",
            "1gb",
            "1 Gi",
            "1.2.3",
            "1e",
            "1e100",
            ".",
            "１",
            "1KiB",
            "+1",
            "1.",
            "1e+-3",
            "1e1.5",
            "1.0123456789",
            "1eK",
            "1e+",
        ] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad:?} passed");
        }
    }
}
