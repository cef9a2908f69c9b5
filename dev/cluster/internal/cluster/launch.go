// Package cluster starts and ends clusters from outside: it launches the
// supervisor that owns a cluster, follows its start, and clears up after it.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"maquette.dev/dev/cluster/internal/process"
	"maquette.dev/dev/cluster/internal/state"
)

// Plan tells the supervisor what cluster to make, and where.
type Plan struct {
	Dir state.Dir `json:"dir"`
	// Name of a full cluster; empty for a control plane alone.
	Name     string `json:"name,omitempty"`
	Port     int    `json:"port"`
	AuditLog bool   `json:"auditLog,omitempty"`
	// Parent is the process whose end ends the cluster; nil if there is none.
	Parent *process.Identity `json:"parent,omitempty"`
}

// Full says that the cluster has a node, not a control plane alone.
func (p Plan) Full() bool { return p.Name != "" }

// The supervisor's files besides the standard ones.
const (
	gateFile   = 3 // closes, or gives one byte when the supervisor is recorded
	socketFile = 4 // of the API server's port on 127.0.0.1
)

// SuperviseCommand is what this binary is called with to be the supervisor.
const SuperviseCommand = "supervise"

// launch starts the supervisor, detached, and records it before it does anything:
// whatever happens then, the cluster can be found and ended.
func launch(plan Plan) error {
	if err := plan.Dir.Prepare(); err != nil {
		return err
	}
	socket, port, err := openPort(plan)
	if err != nil {
		return err
	}
	defer socket.Close()
	plan.Port = port
	gate, opener, err := os.Pipe()
	if err != nil {
		return err
	}
	defer opener.Close()
	supervisor, err := startSupervisor(plan, gate, socket)
	gate.Close()
	if err != nil {
		return err
	}
	record := state.Record{Name: plan.Name, Port: port, Supervisor: supervisor}
	if err := plan.Dir.Write(record); err != nil {
		return err
	}
	_, err = opener.Write([]byte{1})
	return err
}

func startSupervisor(plan Plan, gate, socket *os.File) (process.Identity, error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return process.Identity{}, err
	}
	log, err := os.OpenFile(plan.Dir.Path("logs", "supervisor.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return process.Identity{}, err
	}
	defer log.Close()
	command := exec.Command("/proc/self/exe", SuperviseCommand, string(text))
	command.Args[0] = "maquette-dev-cluster"
	command.Dir = string(plan.Dir)
	// Not the caller's environment: a proxy, say, is not meant for the cluster.
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + string(plan.Dir)}
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{gate, socket}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if plan.Full() {
		command.SysProcAttr.Cloneflags = namespaces
	}
	if err := command.Start(); err != nil {
		return process.Identity{}, fmt.Errorf("start the supervisor: %w", err)
	}
	return process.Identify(command.Process.Pid)
}

// Up brings the cluster up unless it is, and returns once it is ready. What a
// cluster that ended uncleanly left behind is cleared away first.
func Up(ctx context.Context, plan Plan, report func(step string)) error {
	unlock, err := plan.Dir.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	record, err := plan.Dir.Read()
	if err != nil {
		return err
	}
	if !record.Supervisor.Alive() {
		if err := end(plan.Dir, record); err != nil {
			return err
		}
		if err := launch(plan); err != nil {
			return errors.Join(err, removeUnlaunched(plan.Dir))
		}
	}
	if err := follow(ctx, plan.Dir, report); !errors.Is(err, context.Canceled) {
		return err
	}
	if record, err = plan.Dir.Read(); err != nil {
		return err
	}
	return errors.Join(errors.New("interrupted: the cluster is taken down again"), remove(plan.Dir, record))
}

func removeUnlaunched(dir state.Dir) error {
	ours, err := dir.Ours()
	if err != nil || !ours {
		return err
	}
	record, err := dir.Read()
	if err != nil {
		return err
	}
	return remove(dir, record)
}

// follow reports the steps of the start until it ends. Those of a cluster that
// is up already are no news.
func follow(ctx context.Context, dir state.Dir, report func(step string)) error {
	progress := dir.Progress()
	if _, ended, err := progress.Read(); ended {
		return err
	}
	reported := 0
	for {
		// Alive before Read: what a supervisor wrote before its end is seen.
		record, err := dir.Read()
		if err != nil {
			return err
		}
		alive := record.Supervisor.Alive()
		steps, ended, err := progress.Read()
		for ; reported < len(steps); reported++ {
			report(steps[reported])
		}
		switch {
		case ended:
			return err
		case !alive:
			return fmt.Errorf("the cluster ended while it was starting, see %s", dir.Path("logs", "supervisor.log"))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
