package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/cluster"
)

const aboutDown = `Ends a cluster and removes all it has made: processes, namespaces, mounts, control
groups and its directory, with the volumes and images in it. It does so as well
after a crash, and where a start got only half-way. There being no cluster is no
error.`

func newDown() *cobra.Command {
	var target target
	command := &cobra.Command{
		Use:   "down",
		Short: "End a cluster and leave nothing behind",
		Long:  aboutDown,
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := target.locate()
			if err != nil {
				return err
			}
			found, err := cluster.Down(command.Context(), dir)
			if err == nil && !found {
				fmt.Fprintln(command.ErrOrStderr(), target.describe()+" is not up")
			}
			return err
		},
	}
	target.addFlags(command)
	return command
}
