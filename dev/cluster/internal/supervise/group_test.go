package supervise

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"maquette.dev/dev/cluster/internal/state"
)

// One group for all: it reaps every child of the process.
func TestGroup(t *testing.T) {
	dir := state.Dir(t.TempDir())
	if err := dir.Prepare(); err != nil {
		t.Fatal(err)
	}
	group := NewGroup(dir)
	shell := func(name, script string) Program {
		return Program{Name: name, Path: "/bin/sh", Args: []string{"-c", script}}
	}

	t.Run("runs to the end", func(t *testing.T) {
		if err := group.Run(shell("greet", "echo hello; pwd")); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(dir.Path("logs", "greet.log"))
		if want := fmt.Sprintf("hello\n%s\n", dir); err != nil || string(text) != want {
			t.Errorf("the log is %q, %v", text, err)
		}
	})
	t.Run("says how a program ended", func(t *testing.T) {
		for script, want := range map[string]string{"exit 3": "exit status 3", "kill -9 $$": "signal: killed"} {
			if err := group.Run(shell("fail", script)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v", script, err)
			}
		}
	})
	t.Run("says that there is no such program", func(t *testing.T) {
		if err := group.Keep(Program{Name: "nothing", Path: "/nowhere"}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("starts again what ends, until it stops", func(t *testing.T) {
		if err := group.Keep(shell("brief", "exit 0")); err != nil {
			t.Fatal(err)
		}
		if err := group.Keep(shell("long", "exec sleep 60")); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); group.Starts("brief") < 2; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it was not started again")
			}
		}
		processes, err := dir.ReadProcesses()
		if err != nil || !processes["long"].Identity.Alive() || processes["brief"].Starts < 2 {
			t.Errorf("recorded are %v, %v", processes, err)
		}
		group.Stop()
		if processes["long"].Identity.Alive() {
			t.Error("a program outlives its group")
		}
		if err := group.Run(shell("late", "exit 0")); err == nil {
			t.Error("a program starts after the end")
		}
	})
}
