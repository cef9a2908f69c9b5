// maquette-dev-cluster is a Kubernetes cluster for developing Maquette, in one
// file: the command line that starts and stops it, and every program it runs.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"maquette.dev/dev/cluster/internal/cli"
	"maquette.dev/dev/cluster/internal/components"
	"maquette.dev/dev/cluster/internal/volumes"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run is whichever program the binary is called as.
func run() error {
	name := filepath.Base(os.Args[0])
	// Programs are started by way of /proc/self/exe: without this, each would be
	// called "exe" in lists of processes. Where it fails they are.
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
	if name == volumes.Program {
		return volumes.Run(os.Args[1:])
	}
	components.Run(name)
	if len(os.Args) > 1 && os.Args[1] == "kubectl" {
		os.Args = os.Args[1:]
		components.Run("kubectl")
	}
	return cli.New().Execute()
}
