//! Measured processes: their CPU time and memory, and their end.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The longest time until a process listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The clock ticks of `/proc/<pid>/stat`: `USER_HZ`, which is 100 on all of Linux' architectures.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is killed when dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`, and waits until something listens at `address`.
    pub(crate) fn start(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let mut process = Self { child };
        let latest = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{program} ended before it listened: {status}");
            }
            if Instant::now() > latest {
                bail!("{program} does not listen at {address}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    /// The CPU time that the process has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the name in parentheses, which may contain spaces.
        let after_name = stat.rsplit_once(") ").context("no name in stat")?.1;
        let mut fields = after_name.split(' ').skip(11);
        let mut ticks =
            || -> Result<f64> { Ok(fields.next().context("no times in stat")?.parse()?) };
        Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
    }

    /// The resident memory, in MiB.
    pub(crate) fn resident_mebibytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.context("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that no other process is likely to get before its process binds it.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
