package cli

import (
	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/cluster"
)

// newSupervise is what up starts, detached; nobody calls it by hand.
func newSupervise() *cobra.Command {
	return &cobra.Command{
		Use:    cluster.SuperviseCommand + " PLAN",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(_ *cobra.Command, args []string) error { return cluster.Supervise(args[0]) },
	}
}
