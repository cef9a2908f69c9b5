package cli

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/cluster"
	"maquette.dev/dev/cluster/internal/node"
	"maquette.dev/dev/cluster/internal/process"
	"maquette.dev/dev/cluster/internal/state"
)

const aboutUp = `Brings a cluster up, waits until it is ready, prints the path of its kubeconfig
on standard output and leaves it running. How far it has got goes to standard
error. A cluster that is up already is left as it is.

Without --control-plane it is a full cluster with one node, which needs root. It
has cluster DNS, Services and a default StorageClass. Everything runs in
namespaces of its own: the API server's port on 127.0.0.1 is all that can be seen
from outside.

With --control-plane it is etcd, the API server and the controller manager alone,
on a free port of 127.0.0.1 and without root: no node, so no pod ever runs. Any
number run side by side, each in a directory of its own.`

const examplesUp = `  export KUBECONFIG=$(maquette-dev-cluster up)
  maquette-dev-cluster up --name e2e
  maquette-dev-cluster up --control-plane --dir "$(mktemp -d)" --parent-pid $$ --audit-log`

type upOptions struct {
	target
	controlPlane bool
	auditLog     bool
	parentPID    int
}

func newUp() *cobra.Command {
	var options upOptions
	command := &cobra.Command{
		Use:     "up",
		Short:   "Bring a cluster up and print its kubeconfig's path",
		Long:    aboutUp,
		Example: examplesUp,
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return options.run(command) },
	}
	flags := command.Flags()
	flags.BoolVar(&options.controlPlane, "control-plane", false, "only etcd, the API server and the controller manager; needs no root")
	options.addNameFlag(command)
	flags.StringVar(&options.dir, "dir", "", "where the control plane alone keeps its files: empty or not there yet (default a new folder for temporary files)")
	flags.IntVar(&options.parentPID, "parent-pid", 0, "end the control plane alone and remove its directory when this process ends")
	flags.BoolVar(&options.auditLog, "audit-log", false, "write a line of JSON for each request to audit.log beside the kubeconfig")
	command.MarkFlagsMutuallyExclusive("name", "control-plane")
	return command
}

func (o *upOptions) run(command *cobra.Command) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report := func(step string) { fmt.Fprintln(command.ErrOrStderr(), step) }
	if err := cluster.Up(ctx, plan, report); err != nil {
		return err
	}
	fmt.Fprintln(command.OutOrStdout(), plan.Dir.Kubeconfig())
	return nil
}

func (o *upOptions) plan() (cluster.Plan, error) {
	plan := cluster.Plan{AuditLog: o.auditLog}
	if !o.controlPlane {
		if o.dir != "" || o.parentPID != 0 {
			return plan, fmt.Errorf("--dir and --parent-pid go with --control-plane: a full cluster is kept in %s", state.Root)
		}
		plan.Name = o.name
		var err error
		if plan.Dir, err = o.locate(); err != nil {
			return plan, err
		}
		return plan, node.CheckMachine()
	}
	if o.parentPID != 0 {
		parent, err := process.Identify(o.parentPID)
		if err != nil {
			return plan, fmt.Errorf("--parent-pid %d is not a running process", o.parentPID)
		}
		plan.Parent = &parent
	}
	var err error
	plan.Dir, err = o.controlPlaneDir()
	return plan, err
}

func (o *upOptions) controlPlaneDir() (state.Dir, error) {
	if o.dir == "" {
		path, err := os.MkdirTemp("", "maquette-control-plane-")
		return state.Dir(path), err
	}
	path, err := filepath.Abs(o.dir)
	return state.Dir(path), err
}
