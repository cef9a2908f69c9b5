package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// needed is what a node runs but this binary does not contain, and the Debian
// package of each.
var needed = []struct{ program, debianPackage string }{
	{"containerd", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"nft", "nftables"},
	{"mount", "mount"},
	{filepath.Join(cniPlugins, "ptp"), "containernetworking-plugins"},
	{filepath.Join(cniPlugins, "host-local"), "containernetworking-plugins"},
	{filepath.Join(cniPlugins, "loopback"), "containernetworking-plugins"},
}

// CheckMachine says what a full cluster lacks here, all at once. It adds to PATH
// what that of a shell got by su or sudo may lack.
func CheckMachine() error {
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("a full cluster needs root: use sudo, or --control-plane where no pod has to run")
	}
	missing := missingPackages(func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
	if len(missing) > 0 {
		return fmt.Errorf("programs are missing, install them: apt-get install %s", strings.Join(missing, " "))
	}
	return nil
}

func missingPackages(installed func(program string) bool) []string {
	var missing []string
	for _, need := range needed {
		if !installed(need.program) && !slices.Contains(missing, need.debianPackage) {
			missing = append(missing, need.debianPackage)
		}
	}
	return missing
}
