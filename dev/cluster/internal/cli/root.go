// Package cli is the command line: one command a file.
package cli

import (
	"github.com/spf13/cobra"
)

const about = `A Kubernetes cluster for developing Maquette, on a Linux machine without a
container engine. It is Kubernetes' own components, built into this one file.

A full cluster has one node, on which pods run; it needs root and a few Debian
packages. A control plane alone (up --control-plane) needs neither: it serves
tests that talk to the API.

A cluster lives as long as its processes. After a crash or a reboot, up makes a
new one, and what was in the old one is gone.`

const examples = `  export KUBECONFIG=$(maquette-dev-cluster up)
  maquette-dev-cluster load workload.tar
  maquette-dev-cluster kubectl get pods --all-namespaces
  maquette-dev-cluster down`

// New is the command maquette-dev-cluster.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:           "maquette-dev-cluster",
		Short:         "A Kubernetes cluster for developing Maquette",
		Long:          about,
		Example:       examples,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newUp(), newDown(), newStatus(), newLoad(), newKubeconfig(), newKubectl(), newSupervise())
	return root
}
