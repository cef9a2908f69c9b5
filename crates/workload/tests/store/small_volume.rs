//! A small file system in memory, in a mount namespace of its own.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A mounted volume; unmounted when dropped.
pub(crate) struct SmallVolume {
    holder: Child,
    directory: TempDir,
}

impl SmallVolume {
    pub(crate) fn mount(mebibytes: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let script =
            format!("mount -t tmpfs -o size={mebibytes}m none \"$0\" && echo ready && cat");
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "cannot mount a file system in a user namespace");
        Self { holder, directory }
    }

    /// The volume, as this process sees it.
    fn path(&self) -> PathBuf {
        let directory = self.directory.path().strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(directory)
    }

    /// The directory of the volume, for a process that [`SmallVolume::command`] starts.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A command that runs `program` where the volume is mounted.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string(), "--user", "--mount"])
            .args(["--preserve-credentials", program]);
        command
    }

    /// Writes a file that takes all the free space.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        let block = [7; 4096];
        let error = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    pub(crate) fn remove_filler(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallVolume {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
