package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"maquette.dev/dev/cluster/internal/cgroups"
	"maquette.dev/dev/cluster/internal/loopback"
	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

// Start makes the cluster around the calling process and returns once the node
// is ready. Connections to the listening socket reach the API server.
func (c Config) Start(ctx context.Context, socket *os.File, group *supervise.Group, progress *state.Progress) error {
	if err := c.prepare(); err != nil {
		return err
	}
	runtime, err := c.containerd()
	if err != nil {
		return err
	}
	if err := group.Keep(runtime); err != nil {
		return err
	}
	client, err := c.controlPlane().Start(ctx, group, progress)
	if err != nil {
		return err
	}
	if err := loopback.Forward(socket, fmt.Sprintf("127.0.0.1:%d", apiPort)); err != nil {
		return err
	}
	if err := createAddons(ctx, client); err != nil {
		return err
	}
	if err := c.loadPause(ctx, group); err != nil {
		return err
	}
	progress.Step("container runtime is ready")
	for _, program := range c.programs() {
		if err := group.Keep(program); err != nil {
			return err
		}
	}
	return c.waitReady(ctx, client, progress)
}

// prepare does what comes before the first program.
func (c Config) prepare() error {
	if err := cgroups.Join(c.Name); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(c.Name)); err != nil {
		return err
	}
	if err := c.makeMounts(); err != nil {
		return err
	}
	if err := makeNetwork(); err != nil {
		return err
	}
	if err := c.writePKI(); err != nil {
		return err
	}
	return c.writeFiles()
}

func (c Config) writeFiles() error {
	for name, place := range configFiles {
		text, err := c.render(name)
		if err != nil {
			return err
		}
		path := c.Dir.Path(place)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := state.WriteFile(path, text); err != nil {
			return err
		}
	}
	return nil
}
