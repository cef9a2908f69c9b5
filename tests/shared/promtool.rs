//! Promtool, the linter for metrics of Prometheus.

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Asserts that promtool has no complaint about these metrics.
///
/// # Panics
/// If it has one, or is not installed.
pub(crate) fn assert_clean(metrics: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("promtool is needed: apt-get install prometheus");
    promtool.stdin.take().expect("a pipe").write_all(metrics.as_bytes()).expect("written");
    let output = promtool.wait_with_output().expect("it ends");
    let printed = [output.stdout, output.stderr].concat();
    let complaints = String::from_utf8_lossy(&printed);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}\n{metrics}");
}
