//! How operator and workload show their metrics: in Prometheus' text format 0.0.4, which every
//! scraper and promtool read.

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics in the format, from OpenMetrics, which registries write: there a counter is described
/// under its name without `_total`, here under its full name.
pub fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 512);
    let mut help = "";
    for line in open_metrics.lines() {
        if line.starts_with("# HELP ") {
            help = line;
            continue;
        }
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap_or((family, "untyped"));
            let total = if kind == "counter" { "_total" } else { "" };
            let help = help.strip_prefix("# HELP ").and_then(|help| help.strip_prefix(name));
            text += &format!("# HELP {name}{total}{}\n", help.unwrap_or_default());
            text += &format!("# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::prometheus_text;

    #[test]
    fn counters_are_described_under_their_full_name() {
        let open_metrics = "# HELP reads Reads answered.\n\
            # TYPE reads counter\n\
            reads_total 1\n\
            # HELP age_seconds Age of the oldest.\n\
            # TYPE age_seconds gauge\n\
            # UNIT age_seconds seconds\n\
            age_seconds 0\n\
            # EOF\n";
        let want = "# HELP reads_total Reads answered.\n\
            # TYPE reads_total counter\n\
            reads_total 1\n\
            # HELP age_seconds Age of the oldest.\n\
            # TYPE age_seconds gauge\n\
            age_seconds 0\n";
        assert_eq!(prometheus_text(open_metrics), want);
    }
}
