//! Durations as the Gateway API writes them: `1h30m`, `150ms`
//! (<https://gateway-api.sigs.k8s.io/geps/gep-2257/>).

/// The syntax of a duration, as a regular expression.
pub(super) const DURATION_PATTERN: &str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";

/// The duration in microseconds; none if `text` does not match [`DURATION_PATTERN`].
pub(crate) fn parse_micros(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    for _ in 0..4 {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        if digits == 0 || digits > 5 {
            return None;
        }
        let number: u64 = rest[..digits].parse().ok()?;
        let next_digit = rest[digits..].find(|c: char| c.is_ascii_digit());
        let unit_end = next_digit.map_or(rest.len(), |index| digits + index);
        total = total.checked_add(number.checked_mul(unit_micros(&rest[digits..unit_end])?)?)?;
        rest = &rest[unit_end..];
        if rest.is_empty() {
            return Some(total);
        }
    }
    None
}

fn unit_micros(name: &str) -> Option<u64> {
    match name {
        "h" => Some(3_600_000_000),
        "m" => Some(60_000_000),
        "s" => Some(1_000_000),
        "ms" => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_micros;

    #[test]
    fn parses_durations_of_the_gateway_api() {
        assert_eq!(parse_micros("150ms"), Some(150_000));
        assert_eq!(parse_micros("1h30m"), Some(5_400_000_000));
        assert_eq!(parse_micros("1s500ms"), Some(1_500_000));
        assert_eq!(parse_micros("0s"), Some(0));
        for bad in ["", "1", "1.5s", "-1s", "ms", "1us", "100000s", "1s1s1s1s1s", "1s ", "1 s"] {
            assert_eq!(parse_micros(bad), None, "{bad:?} is accepted");
        }
    }
}
