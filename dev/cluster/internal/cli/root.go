// Package cli is the command line: one command a file.
package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/version"
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
	// Cobra would take in the flags that Kubernetes' packages add for programs.
	pflag.CommandLine = pflag.NewFlagSet("", pflag.ExitOnError)
	root := &cobra.Command{
		Use:           "maquette-dev-cluster",
		Short:         "A Kubernetes cluster for developing Maquette",
		Long:          about,
		Example:       examples,
		Version:       version.Get().GitVersion,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("Kubernetes {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newUp(), newDown(), newStatus(), newLoad(), newKubeconfig(), newKubectl(), newSupervise())
	return root
}
