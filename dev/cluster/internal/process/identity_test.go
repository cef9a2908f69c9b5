package process

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	tail := " S 1 " + strings.Repeat("0 ", 17) + "4242 0 0"
	for name, stat := range map[string]string{
		"plain":                    "17 (etcd)" + tail,
		"parenthesis in the name":  "17 (a) S 1 (b)" + tail,
		"name that looks like all": "17 (x) Z 1 2 3)" + tail,
	} {
		t.Run(name, func(t *testing.T) {
			state, started, err := parseStat([]byte(stat))
			if err != nil || state != 'S' || started != 4242 {
				t.Errorf("got state %q, start %d, error %v", state, started, err)
			}
		})
	}
	for name, stat := range map[string]string{"empty": "", "short": "17 (etcd) S 1 2"} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := parseStat([]byte(stat)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAnotherProcessWithTheSamePidIsNotKilled(t *testing.T) {
	sleep := start(t)
	identity, err := Identify(sleep.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Identity{
		"another start": {PID: identity.PID, Started: identity.Started + 1, Boot: identity.Boot},
		"another boot":  {PID: identity.PID, Started: identity.Started, Boot: "before"},
		"none":          {},
	} {
		t.Run(name, func(t *testing.T) {
			if other.Alive() {
				t.Error("it counts as alive")
			}
			if err := other.Kill(time.Second); err != nil {
				t.Error(err)
			}
			if !identity.Alive() {
				t.Error("the process was killed")
			}
		})
	}
}

func TestKillReturnsWhenTheProcessIsGone(t *testing.T) {
	sleep := start(t)
	identity, err := Identify(sleep.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Kill(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	// It is a zombie until its parent waits for it; a zombie counts as gone.
	if identity.Alive() {
		t.Error("still alive")
	}
	if err := identity.Kill(time.Second); err != nil {
		t.Errorf("killing it again: %v", err)
	}
	if err := identity.Wait(); err != nil {
		t.Errorf("waiting for it: %v", err)
	}
}

func TestIdentifyNobody(t *testing.T) {
	if _, err := Identify(1 << 30); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func start(t *testing.T) *exec.Cmd {
	t.Helper()
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleep.Process.Kill()
		_ = sleep.Wait()
	})
	return sleep
}
