//! Metrics in Prometheus' text format 0.0.4, which all scrapers and promtool can read.

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Converts OpenMetrics, which the registries write, to the text format. In OpenMetrics, HELP and
/// TYPE of a counter name it without `_total`; in the text format, with it.
pub fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 512);
    let mut help = "";
    for line in open_metrics.lines() {
        if line.starts_with("# HELP ") {
            help = line;
            continue;
        }
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, metric_type) = family.split_once(' ').unwrap_or((family, "untyped"));
            let total = if metric_type == "counter" { "_total" } else { "" };
            let description = help
                .strip_prefix("# HELP ")
                .and_then(|line| line.strip_prefix(name))
                .unwrap_or_default();
            text += &format!("# HELP {name}{total}{description}\n");
            text += &format!("# TYPE {name}{total} {metric_type}\n");
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
    fn counters_have_their_full_name_in_help_and_type() {
        let open_metrics = "# HELP reads Reads answered.\n\
            # TYPE reads counter\n\
            reads_total 1\n\
            # HELP age_seconds Age of the oldest.\n\
            # TYPE age_seconds gauge\n\
            # UNIT age_seconds seconds\n\
            age_seconds 0\n\
            # EOF\n";
        let expected = "# HELP reads_total Reads answered.\n\
            # TYPE reads_total counter\n\
            reads_total 1\n\
            # HELP age_seconds Age of the oldest.\n\
            # TYPE age_seconds gauge\n\
            age_seconds 0\n";
        assert_eq!(prometheus_text(open_metrics), expected);
    }
}
