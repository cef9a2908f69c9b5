package images

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// ImportArgs are those with which ctr imports an archive to where the kubelet
// looks for images.
func ImportArgs(socket, archive string) []string {
	return []string{"--address", socket, "--namespace", "k8s.io", "images", "import", archive}
}

// Load imports an archive into the containerd at socket; ctr says on out what
// images there are in it.
func Load(socket, archive string, out io.Writer) error {
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	command := exec.Command("ctr", ImportArgs(socket, archive)...)
	command.Stdout, command.Stderr = out, out
	if err := command.Run(); err != nil {
		return fmt.Errorf("ctr did not import %s: %w", archive, err)
	}
	return nil
}
