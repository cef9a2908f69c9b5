//! Metrics of the operator's process, under the names of Prometheus' client libraries, and which
//! build it is.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::ConstCounter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};
use std::{fmt, fs};

/// Clock ticks per second in `/proc`: a constant of Linux' interface to user space.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

pub(super) fn register(registry: &mut Registry) {
    let build = Family::<BuildLabels, Gauge>::default();
    build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
    registry.register("maquette_build_info", "1, with the version of the operator", build);
    registry.register_collector(Box::new(ProcessCollector));
}

/// Reads `/proc` at each scrape. Where there is none, it gives no metrics.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(process) = read_process() else { return Ok(()) };
        let cpu = ConstCounter::new(process.cpu_seconds);
        let descriptor = encoder.encode_descriptor(
            "process_cpu_seconds",
            "User and system CPU time of the process",
            None,
            cpu.metric_type(),
        )?;
        cpu.encode(descriptor)?;
        let gauges = [
            ("process_resident_memory_bytes", "Resident memory", process.resident_bytes),
            ("process_start_time_seconds", "Start of the process, since 1970", process.started_at),
            ("process_open_fds", "Open file descriptors", process.open_fds),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            let descriptor = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(descriptor)?;
        }
        Ok(())
    }
}

/// What `/proc` tells of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ProcessFigures {
    cpu_seconds: f64,
    resident_bytes: f64,
    /// Seconds since 1970.
    started_at: f64,
    open_fds: f64,
}

fn read_process() -> Option<ProcessFigures> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let open_fds = u32::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
    figures_of(&stat, &status, &machine, open_fds.into())
}

/// The figures in `/proc/self/stat`, `/proc/self/status` and `/proc/stat`.
fn figures_of(stat: &str, status: &str, machine: &str, open_fds: f64) -> Option<ProcessFigures> {
    // The name of the command, in parentheses, may contain spaces. The state after it is field 3.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let booted_at = figure_after(machine, "btime")?;
    Some(ProcessFigures {
        cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
        resident_bytes: figure_after(status, "VmRSS:")? * 1024.0,
        started_at: booted_at + field(22)? / TICKS_PER_SECOND,
        open_fds,
    })
}

/// The number after `label` at the beginning of a line.
fn figure_after(text: &str, label: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_proc() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1200 1 2 3";
        let status = "Name:\tmaquette\nVmHWM:\t  9 kB\nVmRSS:\t  2048 kB\n";
        let machine = "cpu 1 2 3\nbtime 1700000000\n";
        let expected = ProcessFigures {
            cpu_seconds: 3.0,
            resident_bytes: 2_097_152.0,
            started_at: 1_700_000_012.0,
            open_fds: 5.0,
        };
        assert_eq!(figures_of(stat, status, machine, 5.0), Some(expected));
        assert_eq!(figures_of("", status, machine, 5.0), None);
    }

    #[test]
    fn this_process_has_figures() {
        let figures = read_process().expect("Linux has /proc");
        assert!(figures.resident_bytes > 1e6, "{figures:?}");
        assert!(figures.started_at > 1.7e9, "{figures:?}");
    }
}
