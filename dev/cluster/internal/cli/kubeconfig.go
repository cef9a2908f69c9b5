package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newKubeconfig() *cobra.Command {
	var target target
	command := &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the path of a cluster's kubeconfig",
		Long:    "Prints the path of the kubeconfig of a cluster that is up, and fails where it is not.",
		Example: "  export KUBECONFIG=$(maquette-dev-cluster kubeconfig)",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, _, err := target.running()
			if err == nil {
				fmt.Fprintln(command.OutOrStdout(), dir.Kubeconfig())
			}
			return err
		},
	}
	target.addFlags(command)
	return command
}
