// maquette-dev-cluster is a Kubernetes cluster for developing Maquette, in one
// file: the command line that starts and stops it, and every program it runs.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"maquette.dev/dev/cluster/internal/cli"
	"maquette.dev/dev/cluster/internal/components"
)

func main() {
	components.Run(filepath.Base(os.Args[0]))
	if len(os.Args) > 1 && os.Args[1] == "kubectl" {
		os.Args = os.Args[1:]
		components.Run("kubectl")
	}
	if err := cli.New().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
