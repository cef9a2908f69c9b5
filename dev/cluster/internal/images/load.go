package images

import (
	"bytes"
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

// Load imports an archive into the containerd at socket and says on out what
// images there were in it.
func Load(socket, archive string, out io.Writer) error {
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	said, err := exec.Command("ctr", ImportArgs(socket, archive)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s cannot be imported: %s", archive, bytes.TrimSpace(said))
	}
	if len(said) == 0 {
		return fmt.Errorf("no image in %s has a name: with buildah, push to oci-archive:FILE:NAME", archive)
	}
	_, err = out.Write(said)
	return err
}
