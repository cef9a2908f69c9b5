package cli

import (
	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/cluster"
)

// newSupervise is the command that up starts, detached; it is not for people.
func newSupervise() *cobra.Command {
	return &cobra.Command{
		Use:    cluster.SuperviseCommand + " PLAN",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(_ *cobra.Command, args []string) error { return cluster.Supervise(args[0]) },
	}
}
