//! Kubernetes quantities in canonical form: the form that the API server returns unchanged.

use std::{fmt, str::FromStr};

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;

use crate::api::validation::{ErrorList, FieldPath, to_json};

/// The longest quantity in a spec, in characters.
pub(crate) const MAX_LENGTH: u32 = 32;
/// The syntax of a quantity: what Kubernetes accepts, except signs (`+1`), a point without digits
/// after it (`1.`), more than 9 fraction digits, and fractions in exponents.
pub(crate) const PATTERN: &str =
    "^([0-9]+([.][0-9]{1,9})?|[.][0-9]{1,9})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$";

const NANOS: i128 = 1_000_000_000;
/// The API server rounds the quantities of pods and volumes up to thousandths.
const MILLI: i128 = NANOS / 1000;
/// Kubernetes caps quantities at 2^63-1.
const MAX_NANOS: i128 = i64::MAX as i128 * NANOS;
/// Suffixes with their powers of ten.
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
/// Suffixes with their nanos.
const BINARY: [(&str, i128); 6] = [
    ("Ei", NANOS << 60),
    ("Pi", NANOS << 50),
    ("Ti", NANOS << 40),
    ("Gi", NANOS << 30),
    ("Mi", NANOS << 20),
    ("Ki", NANOS << 10),
];

/// A Kubernetes quantity that is not negative.
///
/// Two quantities are equal if their amounts are, whatever their notation. `Display` writes the
/// canonical form in the notation that was parsed; exponents become decimal suffixes, because the
/// API server's canonical form of an exponent depends on its value.
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

/// A string that does not match the syntax of quantities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid quantity: write a number that is not negative, such as 500m, 2 or 64Mi"
)]
pub struct QuantityError(String);

impl Quantity {
    /// The amount in whole units, rounded up.
    pub fn ceil(&self) -> u64 {
        u64::try_from((self.nanos + NANOS - 1) / NANOS).unwrap_or(u64::MAX)
    }

    /// The amount in thousandths, rounded up.
    pub(super) fn ceil_milli(&self) -> u64 {
        u64::try_from(divide_up(self.nanos, MILLI)).unwrap_or(u64::MAX)
    }

    fn parse_canonical(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (digits, suffix) = text.split_at(end.unwrap_or(text.len()));
        let number = DecimalNumber::parse(digits)?;
        let binary = BINARY.iter().find(|(name, _)| *name == suffix);
        let (nanos, notation) = match (binary, decimal_exponent(suffix)) {
            (Some((_, unit)), _) => (number.in_units(*unit), Notation::Binary),
            (None, Some(exponent)) => (number.in_powers_of_ten(exponent), Notation::Decimal),
            (None, None) => return None,
        };
        Some(Self { nanos: round_up(nanos, MILLI).min(MAX_NANOS), notation })
    }

    /// True if the amount is 0.
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
        Self::parse_canonical(text).ok_or_else(|| QuantityError(text.to_owned()))
    }
}

/// `nanos` rounded up to a multiple of `unit`.
fn round_up(nanos: i128, unit: i128) -> i128 {
    divide_up(nanos, unit).saturating_mul(unit)
}

/// `amount / by`, rounded up.
fn divide_up(amount: i128, by: i128) -> i128 {
    amount / by + i128::from(amount % by != 0)
}

/// The power of ten of a decimal suffix or an exponent such as `e3`.
fn decimal_exponent(suffix: &str) -> Option<i32> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some(*exponent);
    }
    let written = suffix.strip_prefix(['e', 'E'])?;
    let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
    let is_valid =
        matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
    written.parse().ok().filter(|_| is_valid)
}

/// The number `digits / 10^fraction_digits`.
struct DecimalNumber {
    digits: i128,
    fraction_digits: u32,
}

impl DecimalNumber {
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let fraction_digits = u32::try_from(fraction.len()).ok()?;
        let digits = format!("{whole}{fraction}");
        let is_number = !text.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || !(1..=9).contains(&fraction_digits) {
            return None;
        }
        // An i128 holds all digits of the longest quantity, MAX_LENGTH.
        Some(Self { digits: digits.parse().ok()?, fraction_digits })
    }

    /// The nanos if the number counts units of `unit` nanos. Saturates: a product that overflows is
    /// above [`MAX_NANOS`] after the division too.
    fn in_units(&self, unit: i128) -> i128 {
        divide_up(self.digits.saturating_mul(unit), 10_i128.pow(self.fraction_digits))
    }

    /// The nanos if the number counts units of `10^exponent`.
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
        let largest_unit = BINARY.iter().find(|(_, unit)| whole % unit == 0);
        let (suffix, unit) = largest_unit.copied().unwrap_or(("", NANOS));
        write!(f, "{}{suffix}", whole / unit)
    }

    fn fmt_decimal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suffix, unit) = DECIMAL
            .iter()
            .map(|(suffix, exponent)| (*suffix, 10_i128.pow((exponent + 9).unsigned_abs())))
            .find(|(_, unit)| self.nanos % unit == 0)
            .unwrap_or(("n", 1));
        write!(f, "{}{suffix}", self.nanos / unit)
    }
}

/// Parses an optional quantity; none if it is not set or not valid.
pub(super) fn validate(
    raw: Option<&RawQuantity>,
    path: &FieldPath,
    errors: &mut ErrorList,
) -> Option<Quantity> {
    let text = &raw?.0;
    let quantity = text.parse().ok();
    if quantity.is_none() {
        let message = "is not a valid quantity: write a number that is not negative, with an \
                       optional suffix, such as 250m, 2, 64Mi or 1Gi";
        errors.add(path, to_json(text), message);
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
    fn other_strings_are_rejected() {
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
            assert!(bad.parse::<Quantity>().is_err(), "{bad:?} is accepted");
        }
    }
}
