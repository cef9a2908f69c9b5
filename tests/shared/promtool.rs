//! Promtool, which says what is wrong with metrics.

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Promtool has nothing to say of these metrics.
///
/// # Panics
/// If it has, or is not installed.
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
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");
}
