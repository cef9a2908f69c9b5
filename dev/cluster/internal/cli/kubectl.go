package cli

import "github.com/spf13/cobra"

// newKubectl is here for --help: main becomes kubectl before this package, which
// knows nothing of its flags, sees the arguments.
func newKubectl() *cobra.Command {
	return &cobra.Command{
		Use:                "kubectl",
		Short:              "Run kubectl of the cluster's version",
		DisableFlagParsing: true,
		Run:                func(*cobra.Command, []string) {},
	}
}
