package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"maquette.dev/dev/cluster/internal/images"
	"maquette.dev/dev/cluster/internal/supervise"
)

// loadPause waits for containerd and gives it the image that every pod needs.
func (c Config) loadPause(ctx context.Context, group *supervise.Group) error {
	archive, err := images.PauseArchive()
	if err != nil {
		return err
	}
	path := c.Dir.Path("containerd", "pause.tar")
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		return err
	}
	ctr, err := exec.LookPath("ctr")
	if err != nil {
		return err
	}
	socket := Socket(c.Dir)
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		connection, err := net.Dial("unix", socket)
		if err != nil {
			return false, nil
		}
		return true, connection.Close()
	})
	if err != nil {
		return fmt.Errorf("containerd does not answer (%w), see %s", err, c.Dir.Path("logs", "containerd.log"))
	}
	return group.Run(supervise.Program{Name: "ctr", Path: ctr, Args: images.ImportArgs(socket, path)})
}
