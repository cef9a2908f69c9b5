//! What pods report of their volumes and items: volumes that are full or nearly so, and items that
//! cannot be read.

use crate::{
    observe::{
        Reason, RunningComponent, RunningPod, Subject, condition_types, first_poll,
        text::{counted, has_more},
    },
    plan::Component,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{DamagedItems, VolumeObservation};

/// A volume counts as nearly full from this percentage on, until the use is [`HYSTERESIS`] lower.
const NEARLY_FULL_PERCENT: u64 = 90;
const HYSTERESIS: u64 = 3;

/// How full a volume is. Within a level, no status changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VolumeLevel {
    /// It has room, or its size is unknown.
    Free,
    /// It counts as nearly full if it did before.
    High,
    /// It is nearly full.
    NearlyFull,
    /// Writes are refused.
    Full,
}

impl VolumeLevel {
    /// The level of a volume as its pod reports it.
    pub fn of(volume: VolumeObservation) -> Self {
        let used = volume.bytes.saturating_sub(volume.free_bytes).saturating_mul(100);
        match used.checked_div(volume.bytes) {
            _ if volume.full => Self::Full,
            Some(percent) if percent >= NEARLY_FULL_PERCENT => Self::NearlyFull,
            Some(percent) if percent + HYSTERESIS >= NEARLY_FULL_PERCENT => Self::High,
            _ => Self::Free,
        }
    }
}

/// What is wrong, one line for each pod or component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::observe) struct StorageFindings {
    /// Volumes that refuse writes.
    pub(in crate::observe) full: Vec<String>,
    /// Volumes that are nearly full.
    pub(in crate::observe) nearly_full: Vec<String>,
    /// Components that know of damaged items.
    pub(in crate::observe) damaged: Vec<String>,
    /// Whether reports are still to come after the operator's start.
    pub(in crate::observe) is_awaited: bool,
}

impl StorageFindings {
    /// Adds what the pods of `component` report.
    pub(in crate::observe) fn add_component(
        &mut self,
        component: &Component,
        found: Option<&RunningComponent>,
        subject: Subject<'_>,
        now: Timestamp,
    ) {
        self.is_awaited |= first_poll::has_awaited(found);
        let pods = found.map(|found| found.pods.as_slice()).unwrap_or_default();
        for pod in pods {
            let Some(volume) = pod.report.standing_at(now).and_then(|report| report.volume) else {
                continue;
            };
            let line = format!("{}: the volume of pod {}", component.name, pod.name);
            match VolumeLevel::of(volume) {
                VolumeLevel::Full => self.full.push(line),
                VolumeLevel::NearlyFull => self.nearly_full.push(line),
                VolumeLevel::High if was_named(&line, subject) => self.nearly_full.push(line),
                VolumeLevel::High | VolumeLevel::Free => {}
            }
        }
        self.damaged.extend(damaged_line(component, pods, now));
    }
}

/// Whether the previous status names the volume, or may have counted it without its name.
fn was_named(line: &str, subject: Subject<'_>) -> bool {
    let previous = first_poll::previous_condition(subject, condition_types::VOLUME_PRESSURE);
    previous.is_some_and(|previous| {
        let is_complete =
            previous.reason == Reason::VolumeNearlyFull.as_str() && !has_more(&previous.message);
        !is_complete || previous.message.contains(&format!("{line} "))
    })
}

/// The damaged items of a component: those of the pod that knows most of them. Each pod knows those
/// that it has seen.
fn damaged_line(component: &Component, pods: &[RunningPod], now: Timestamp) -> Option<String> {
    let reports = pods.iter().filter_map(|pod| {
        let damaged = &pod.report.standing_at(now)?.damaged_items;
        (!damaged.is_empty()).then_some((pod, damaged))
    });
    let reports: Vec<_> = reports.collect();
    // The first of several with the same number.
    let (pod, damaged) = reports.iter().rev().max_by_key(|(_, damaged)| damaged.count)?;
    let others = match reports.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more pod has some".to_owned(),
        more => format!(", and {more} more pods have some"),
    };
    let (name, items) = (&component.name, describe_items(damaged));
    Some(format!("{name}: pod {} knows {items}{others}", pod.name))
}

/// The number of items, and the first keys.
fn describe_items(damaged: &DamagedItems) -> String {
    let number = match damaged.count {
        count if count >= DamagedItems::MAX_COUNT as u64 => {
            format!("{} or more damaged items", DamagedItems::MAX_COUNT)
        }
        count => counted(count, "damaged item"),
    };
    let keys = damaged.examples.join(", ");
    match damaged.count.saturating_sub(damaged.examples.len() as u64) {
        _ if keys.is_empty() => number,
        0 => format!("{number}: {keys}"),
        _ => format!("{number}: {keys} and others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_level() {
        let level = |bytes, free_bytes, full| {
            VolumeLevel::of(VolumeObservation { bytes, free_bytes, full })
        };
        assert_eq!(level(0, 0, false), VolumeLevel::Free, "unknown");
        assert_eq!(level(100, 200, false), VolumeLevel::Free);
        for (free, expected) in [
            (14, VolumeLevel::Free),
            (13, VolumeLevel::High),
            (11, VolumeLevel::High),
            (10, VolumeLevel::NearlyFull),
            (0, VolumeLevel::NearlyFull),
        ] {
            assert_eq!(level(100, free, false), expected, "{free}");
            assert_eq!(level(100, free, true), VolumeLevel::Full, "{free}");
        }
    }
}
