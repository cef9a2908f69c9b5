package node

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// makeMounts gives the cluster, in its own mount namespace, folders of its own
// in the place of those whose paths are fixed in the programs.
func (c Config) makeMounts() error {
	const aside = "/run/cluster"
	logs := c.Dir.Path("pod-logs")
	steps := []struct {
		source, target, kind string
		flags                uintptr
	}{
		// Nothing that is mounted here shows outside.
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		// Of containerd its state and the shims' sockets.
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		// Of CNI what it caches, of the kubelet its plugins' sockets; the cluster's
		// own directory stays where it is.
		{string(c.Dir), aside, "", unix.MS_BIND},
		{"tmpfs", "/var/lib", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		{aside, string(c.Dir), "", unix.MS_MOVE},
		// Of the kubelet links to the pods' logs.
		{logs, "/var/log", "", unix.MS_BIND},
		// As on any node, what is mounted later shows in pods that ask for it.
		{"", "/", "", unix.MS_REC | unix.MS_SHARED},
	}
	for _, step := range steps {
		for _, folder := range []string{step.source, step.target} {
			if !strings.HasPrefix(folder, "/") {
				continue
			}
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return err
			}
		}
		if err := unix.Mount(step.source, step.target, step.kind, step.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", step.target, err)
		}
	}
	return nil
}
