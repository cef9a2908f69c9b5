//! The processing time of a request, besides its calls and queries.
//!
//! The time passes on a timer, not on a CPU: the model shows the response times of an architecture,
//! and many models fit on one small machine.

use maquette_contract::ProcessingTime;
use std::time::Duration;

/// Draws the processing time of a request from the distribution with these quantiles.
pub fn sample_processing_time(time: &ProcessingTime) -> Duration {
    time_at_quantile(time, rand::random_range(0.0..1.0))
}

/// The processing time at the quantile `q` from 0 to 1.
///
/// The logarithm of the time is piecewise linear in `q`: below the median it starts at half the
/// median, and beyond p99 it continues the line from p90 to p99. Latencies have such a long tail;
/// linear interpolation would put far too many requests near p99.
fn time_at_quantile(time: &ProcessingTime, q: f64) -> Duration {
    let [half, p50, p90, p99] =
        [time.p50_micros / 2, time.p50_micros, time.p90_micros, time.p99_micros]
            .map(|micros| (micros.max(1) as f64).ln());
    let (from, to, from_log, to_log) = match q {
        q if q < 0.5 => (0.0, 0.5, half, p50),
        q if q < 0.9 => (0.5, 0.9, p50, p90),
        _ => (0.9, 0.99, p90, p99),
    };
    let micros = (from_log + (q - from) / (to - from) * (to_log - from_log)).exp();
    Duration::from_micros(micros.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: ProcessingTime =
        ProcessingTime { p50_micros: 2_000, p90_micros: 5_000, p99_micros: 20_000 };

    #[test]
    fn the_configured_quantiles_are_met() {
        for (q, micros) in [(0.0, 1_000), (0.5, 2_000), (0.9, 5_000), (0.99, 20_000)] {
            assert_eq!(time_at_quantile(&TIME, q), Duration::from_micros(micros), "{q}");
        }
        assert_eq!(
            time_at_quantile(&TIME, 1.0),
            Duration::from_micros(23_331),
            "extrapolated beyond p99"
        );
    }

    #[test]
    fn time_is_monotonic_in_the_quantile() {
        let times = (0..=1000).map(|step| time_at_quantile(&TIME, f64::from(step) / 1000.0));
        assert!(times.is_sorted());
    }

    #[test]
    fn samples_follow_the_quantiles() {
        let mut samples: Vec<_> = (0..20_000).map(|_| sample_processing_time(&TIME)).collect();
        samples.sort_unstable();
        let near = |at: usize, micros: u64| {
            let sample = samples[at].as_micros() as f64;
            assert!((sample / micros as f64 - 1.0).abs() < 0.2, "{at}: {sample}");
        };
        near(10_000, 2_000);
        near(18_000, 5_000);
    }
}
