package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/state"
)

const defaultName = "maquette"

// nodeName is what a name has to be: it becomes the node's, and a folder's.
var nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// target is the cluster that a command is about.
type target struct {
	name string
	dir  string
}

func (t *target) addFlags(command *cobra.Command) {
	t.addNameFlag(command)
	command.Flags().StringVar(&t.dir, "dir", "", "the control plane alone that was brought up in this directory")
	command.MarkFlagsMutuallyExclusive("name", "dir")
}

func (t *target) addNameFlag(command *cobra.Command) {
	command.Flags().StringVar(&t.name, "name", defaultName, "the full cluster of this name; two names run side by side")
}

// locate gives the cluster's directory.
func (t *target) locate() (state.Dir, error) {
	if t.dir != "" {
		path, err := filepath.Abs(t.dir)
		return state.Dir(path), err
	}
	if !nodeName.MatchString(t.name) {
		return "", fmt.Errorf("%q is not a valid cluster name: use up to 32 lower-case letters, digits and dashes", t.name)
	}
	return state.Named(t.name), nil
}

// describe says which cluster it is, as the start of a sentence.
func (t *target) describe() string {
	if t.dir != "" {
		return "the control plane in " + t.dir
	}
	return fmt.Sprintf("the cluster %q", t.name)
}

// running gives the directory and record of a cluster that is up and ready.
func (t *target) running() (state.Dir, state.Record, error) {
	dir, err := t.locate()
	if err != nil {
		return dir, state.Record{}, err
	}
	record, err := dir.Read()
	if err != nil {
		return dir, record, err
	}
	if !record.Supervisor.Alive() {
		return dir, record, fmt.Errorf("%s is not up: bring it up with `maquette-dev-cluster up`", t.describe())
	}
	_, ended, err := dir.Progress().Read()
	if err == nil && !ended {
		err = errors.New(t.describe() + " is still starting: `maquette-dev-cluster up` waits for it")
	}
	return dir, record, err
}
