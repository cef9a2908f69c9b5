package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newStatus() *cobra.Command {
	var target target
	command := &cobra.Command{
		Use:   "status",
		Short: "Say whether a cluster is up, and how it is",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, record, err := target.running()
			if err == nil {
				fmt.Fprintln(command.OutOrStdout(), record.Port, dir.Kubeconfig())
			}
			return err
		},
	}
	target.addFlags(command)
	return command
}
