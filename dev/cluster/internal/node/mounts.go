package node

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// makeMounts gives the cluster, in its own mount namespace, folders of its own
// in the place of those that programs insist on.
func (c Config) makeMounts() error {
	logs := c.Dir.Path("pod-logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return err
	}
	steps := []struct {
		source, target, kind string
		flags                uintptr
	}{
		// Nothing that is mounted here shows outside; below, it shows in pods that
		// ask for it, as on any node.
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"", "/", "", unix.MS_REC | unix.MS_SHARED},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		// containerd's state, its sockets for shims, network namespaces, locks.
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		// The kubelet writes to /var/log/containers, whatever it is told.
		{logs, "/var/log", "", unix.MS_BIND},
	}
	for _, step := range steps {
		if err := unix.Mount(step.source, step.target, step.kind, step.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", step.target, err)
		}
	}
	return nil
}
