package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maquette.dev/dev/cluster/internal/images"
)

const (
	name = "dev-cluster-e2e"
	// unprivilegedID is the user and the group of the account without rights.
	unprivilegedID = 65534
)

// binary is what `make build` makes.
var binary, _ = filepath.Abs("../../../bin/maquette-dev-cluster")

// cluster runs the binary on behalf of a test; whatever fails ends the test.
type cluster struct{ t *testing.T }

func newCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("MAQUETTE_DEV_CLUSTER_E2E") != "1" {
		t.Skip("brings clusters up and down on this machine, as root: `make e2e` does so")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: `make build` first", err)
	}
	t.Cleanup(func() { _, _ = (&cluster{t}).try("down", "--name", name) })
	return &cluster{t}
}

// in is the same cluster on behalf of a part of the test.
func (c *cluster) in(t *testing.T) *cluster { return &cluster{t} }

func (c *cluster) try(args ...string) (string, error) {
	command := exec.Command(binary, args...)
	command.Env = c.env()
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, problems.String())
	}
	return string(out), err
}

func (c *cluster) env() []string {
	return append(os.Environ(), "KUBECONFIG="+filepath.Join("/var/lib/maquette-dev", name, "kubeconfig"))
}

func (c *cluster) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cluster) up() string {
	c.t.Helper()
	return c.run("up", "--name", name)
}

func (c *cluster) down() {
	c.t.Helper()
	c.run("down", "--name", name)
}

func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	return c.run(append([]string{"kubectl"}, args...)...)
}

// exec runs the probe in a pod.
func (c *cluster) exec(pod string, args ...string) string {
	c.t.Helper()
	return c.kubectl(append([]string{"-n", "e2e", "exec", pod, "--", "/probe"}, args...)...)
}

// loadProbe builds the program that the test's pods run and loads it.
func (c *cluster) loadProbe() {
	c.t.Helper()
	program := filepath.Join(c.t.TempDir(), "probe")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", program, "./probe").CombinedOutput(); err != nil {
		c.t.Fatalf("build the probe: %v: %s", err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		c.t.Fatal(err)
	}
	archive, err := images.Archive("maquette.dev/probe:e2e", "probe", content)
	if err != nil {
		c.t.Fatal(err)
	}
	path := program + ".tar"
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.run("load", "--name", name, path)
}

func (c *cluster) killSupervisor() {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join("/var/lib/maquette-dev", name, "cluster.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	var record struct{ Supervisor struct{ PID int } }
	if err := json.Unmarshal(text, &record); err != nil {
		c.t.Fatal(err)
	}
	if err := syscall.Kill(record.Supervisor.PID, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
}

// command is a program that runs beside the test, and no longer than it.
type command struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Reader
}

func (c *cluster) start(args ...string) *command {
	c.t.Helper()
	return c.startProgram(binary, args...)
}

func (c *cluster) startProgram(program string, args ...string) *command {
	c.t.Helper()
	return c.startCommand(exec.Command(program, args...))
}

func (c *cluster) startUnprivileged(args ...string) *command {
	c.t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: unprivilegedID, Gid: unprivilegedID}}
	return c.startCommand(cmd)
}

func (c *cluster) startCommand(cmd *exec.Cmd) *command {
	c.t.Helper()
	cmd.Env = c.env()
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	started := &command{c.t, cmd, bufio.NewReader(out)}
	c.t.Cleanup(func() { started.end(syscall.SIGKILL) })
	return started
}

func (c *command) pid() int { return c.cmd.Process.Pid }

// line is the next that the program prints.
func (c *command) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// wait returns the line that the program prints, once it has ended.
func (c *command) wait() string {
	c.t.Helper()
	line := c.line()
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatal(err)
	}
	return line
}

// end signals the program, if it has not ended by itself, and waits for it.
func (c *command) end(signal syscall.Signal) {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Signal(signal)
		_ = c.cmd.Wait()
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in 30 seconds it did not become true that %s", what)
		}
	}
}

// unprivilegedFolder is a folder that the account without rights may write to.
func unprivilegedFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "maquette-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chown(folder, unprivilegedID, unprivilegedID); err != nil {
		t.Fatal(err)
	}
	return folder
}
