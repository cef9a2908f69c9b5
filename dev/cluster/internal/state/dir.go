// Package state is what a cluster keeps on disk: one directory, readable by its
// owner only, with everything in it.
package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Root holds the directories of the full clusters of this machine. It is the
// same for every clone of the repository, so that they share a cluster.
const Root = "/var/lib/maquette-dev"

// Dir is the directory of one cluster.
type Dir string

// Named is the directory of the full cluster called name.
func Named(name string) Dir { return Dir(filepath.Join(Root, name)) }

// Path is the path of something in the directory.
func (d Dir) Path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

func (d Dir) Kubeconfig() string { return d.Path("kubeconfig") }
func (d Dir) Logs() string       { return d.Path("logs") }
func (d Dir) record() string     { return d.Path("cluster.json") }

// Prepare makes the directory, for its owner only, empty but for a folder for logs
// and an empty record, which marks it as ours however far the start gets.
func (d Dir) Prepare() error {
	if err := d.Wipe(); err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	if err := os.Chmod(string(d), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(d.record(), nil, 0o600); err != nil {
		return err
	}
	return os.MkdirAll(d.Logs(), 0o700)
}

// Wipe removes everything in the directory, but not the directory. One that holds
// something else than a cluster is refused.
func (d Dir) Wipe() error {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours, err := d.Ours()
	if err != nil {
		return err
	}
	if len(entries) > 0 && !ours {
		return fmt.Errorf("%s is not empty and holds no cluster: choose another directory", d)
	}
	// The record goes last: a wipe that is cut short can be done again.
	for _, entry := range entries {
		if path := d.Path(entry.Name()); path != d.record() {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(d.record())
}

// Ours says whether the directory holds a cluster, or what is left of one.
func (d Dir) Ours() (bool, error) {
	_, err := os.Stat(d.record())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, explain(err)
}

// explain says what to do about the directory of another user, most often root's.
func explain(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: another user brought this cluster up, root perhaps: use sudo", err)
	}
	return err
}
