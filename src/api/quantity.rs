//! Kubernetes quantities, in the canonical form that an API server returns.

use std::{fmt, str::FromStr};

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as RawQuantity;

use super::problem::{At, Findings, json};

/// The longest quantity that a spec may hold, in characters.
pub(crate) const MAX_LENGTH: u32 = 32;
/// What a quantity looks like. Kubernetes also takes `+1` and `1.`, and gives some of them back as
/// they are, not in their canonical form; nobody writes them.
macro_rules! pattern {
    () => {
        "^([0-9]+([.][0-9]+)?|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE]-?[0-9])?$"
    };
}
pub(crate) use pattern;
/// [`pattern`] as a value.
pub(crate) const PATTERN: &str = pattern!();

const NANOS: i128 = 1_000_000_000;
/// The API server rounds the amounts of pods and volumes up to thousandths.
const MILLI: i128 = NANOS / 1000;
/// Kubernetes caps quantities at 2^63-1.
const MOST: i128 = i64::MAX as i128 * NANOS;
const DECIMAL: [(&str, i128); 10] = [
    ("E", NANOS * 1_000_000_000_000_000_000),
    ("P", NANOS * 1_000_000_000_000_000),
    ("T", NANOS * 1_000_000_000_000),
    ("G", NANOS * 1_000_000_000),
    ("M", NANOS * 1_000_000),
    ("k", NANOS * 1_000),
    ("", NANOS),
    ("m", NANOS / 1_000),
    ("u", NANOS / 1_000_000),
    ("n", 1),
];
const BINARY: [(&str, i128); 6] = [
    ("Ei", NANOS << 60),
    ("Pi", NANOS << 50),
    ("Ti", NANOS << 40),
    ("Gi", NANOS << 30),
    ("Mi", NANOS << 20),
    ("Ki", NANOS << 10),
];

/// A Kubernetes quantity that is not negative. Two are equal if they are the same amount, however
/// they were written; as text it is in the canonical form, in the suffixes that it was written in.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Decimal,
    Binary,
    Exponent,
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
        let (scale, style) = scale(suffix).ok_or_else(bad)?;
        let nanos = amount(number, scale).ok_or_else(bad)?;
        Ok(Self { nanos: round_up(nanos, MILLI).min(MOST), style })
    }
}

/// The next multiple of `unit`.
fn round_up(nanos: i128, unit: i128) -> i128 {
    (nanos / unit + i128::from(nanos % unit != 0)).saturating_mul(unit)
}

/// The nanos of one unit of `suffix`, and how to write such a quantity.
fn scale(suffix: &str) -> Option<(i128, Style)> {
    let named = |table: &[(&str, i128)]| {
        table.iter().find(|(name, _)| *name == suffix).map(|(_, nanos)| *nanos)
    };
    if let Some(nanos) = named(&DECIMAL) {
        return Some((nanos, Style::Decimal));
    }
    if let Some(nanos) = named(&BINARY) {
        return Some((nanos, Style::Binary));
    }
    let digits = suffix.strip_prefix(['e', 'E'])?;
    let exponent: i32 = digits.parse().ok().filter(|e| (-9..=9).contains(e))?;
    let power = u32::try_from(exponent + 9).ok().filter(|_| !digits.starts_with('+'))?;
    Some((10_i128.pow(power), Style::Exponent))
}

/// `number` units of `scale` nanos each, rounded up to whole nanos.
fn amount(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || number.is_empty() {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("0{}{fraction}", whole.trim_start_matches('0'));
    let parsed: i128 = digits.parse().ok()?;
    let below = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = parsed.saturating_mul(scale);
    Some(product / below + i128::from(product % below != 0))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        match self.style {
            Style::Binary if self.nanos >= 1024 * NANOS => self.binary(f),
            Style::Exponent => self.exponent(f),
            _ => self.decimal(f),
        }
    }
}

impl Quantity {
    fn binary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = i128::from(self.ceil()) * NANOS;
        let fits = BINARY.iter().find(|(_, unit)| whole % unit == 0);
        let (suffix, unit) = fits.copied().unwrap_or(("", NANOS));
        write!(f, "{}{suffix}", whole / unit)
    }

    fn decimal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = DECIMAL.iter().find(|(_, unit)| self.nanos % unit == 0);
        let (suffix, unit) = fits.copied().unwrap_or(("n", 1));
        write!(f, "{}{suffix}", self.nanos / unit)
    }

    fn exponent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponents = (-9..=18).rev().step_by(3);
        let fits = exponents.zip(DECIMAL).find(|(_, (_, unit))| self.nanos % unit == 0);
        let (exponent, unit) = fits.map_or((-9, 1), |(exponent, (_, unit))| (exponent, unit));
        match exponent {
            0 => write!(f, "{}", self.nanos / unit),
            _ => write!(f, "{}e{exponent}", self.nanos / unit),
        }
    }
}

/// Parses the quantity at `at`.
pub(crate) fn validate(raw: &RawQuantity, at: &At, findings: &mut Findings) -> Option<Quantity> {
    let quantity = raw.0.parse().ok();
    if quantity.is_none() {
        let message = "is not an amount: write a number that is not negative, with a suffix if \
                       need be, such as 250m, 2, 64Mi or 1Gi";
        findings.add(at, json(&raw.0), message);
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
            ("1e3", "1e3"),
            ("12e5", "1200e3"),
            ("5E0", "5"),
            ("0", "0"),
            ("0Mi", "0"),
            ("100u", "1m"),
            ("1.0001", "1001m"),
            ("0.1n", "1m"),
            (".5", "500m"),
            ("1E", "1E"),
            ("00001.50000000000000000000", "1500m"),
            ("99999999999999999999999999", "9223372036854775807"),
        ];
        for (written, canonical) in cases {
            assert_eq!(written.parse::<Quantity>().map(|q| q.to_string()), Ok(canonical.into()));
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for bad in
            ["", "-1", "Gi", "1gb", "1 Gi", "1.2.3", "1e", "1e99", ".", "１", "1KiB", "+1", "1."]
        {
            assert!(bad.parse::<Quantity>().is_err(), "{bad:?} passed");
        }
    }
}
