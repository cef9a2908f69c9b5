package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maquette.dev/dev/cluster/internal/process"
)

// snapshot lists all that a cluster could leave on the machine.
func snapshot(t *testing.T) []string {
	t.Helper()
	found := processes(t)
	for _, folder := range []string{"/run/netns", "/run/containerd", "/var/lib", "/var/log", "/opt", "/etc/cni"} {
		entries, err := os.ReadDir(folder)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			// The folder of all clusters is another's, if another is up.
			if path := filepath.Join(folder, entry.Name()); path != "/var/lib/maquette-dev" {
				found = append(found, "file "+path)
			}
		}
	}
	for _, pattern := range []string{
		"/var/lib/maquette-dev/" + name,
		"/sys/fs/cgroup/maquette-dev-" + name,
		"/sys/fs/cgroup/*/maquette-dev-" + name,
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	found = append(found, network(t)...)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return append(found, strings.Split(string(mounts), "\n")...)
}

func network(t *testing.T) []string {
	t.Helper()
	var found []string
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range interfaces {
		found = append(found, "interface "+one.Name)
	}
	rules, err := exec.Command("nft", "list", "ruleset").Output()
	if err != nil {
		t.Fatal(err)
	}
	return append(found, strings.Split(string(rules), "\n")...)
}

// processes lists those of the test's cluster.
func processes(t *testing.T) []string {
	t.Helper()
	return append(processesWith(t, "/var/lib/maquette-dev/"+name), processesWith(t, "/maquette-dev-"+name)...)
}

// processesWith lists those that have text in their arguments, working directory
// or control groups. A process that is dead but not yet buried does not count.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, folder := range folders {
		arguments, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		groups, _ := os.ReadFile(filepath.Join(folder, "cgroup"))
		directory, _ := os.Readlink(filepath.Join(folder, "cwd"))
		all := bytes.Join([][]byte{arguments, groups, []byte(directory)}, []byte("\n"))
		if !bytes.Contains(all, []byte(text)) {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(filepath.Base(folder), &pid); err != nil {
			t.Fatal(err)
		}
		if identity, err := process.Identify(pid); err == nil && identity.Alive() {
			found = append(found, fmt.Sprintf("process %d: %s", pid, bytes.ReplaceAll(arguments, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// nothingLeft fails the test where there is more than before. A supervisor whose launcher was killed
// before it had recorded it ends by itself, once it runs: that much time there is.
func nothingLeft(t *testing.T, before []string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := slices.DeleteFunc(snapshot(t), func(thing string) bool { return slices.Contains(before, thing) })
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind: %q", left)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
