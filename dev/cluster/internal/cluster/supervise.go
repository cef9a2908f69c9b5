package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"maquette.dev/dev/cluster/internal/controlplane"
	"maquette.dev/dev/cluster/internal/node"
	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

// startTimeout is how long a start may take; a slow machine needs a fraction.
const startTimeout = 3 * time.Minute

// Supervise is the supervisor: it makes the cluster of the plan and keeps it up
// until it is killed.
func Supervise(text string) error {
	// What the supervisor starts gets neither.
	unix.CloseOnExec(gateFile)
	unix.CloseOnExec(socketFile)
	var plan Plan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return err
	}
	if err := passGate(); err != nil {
		return err
	}
	socket := os.NewFile(socketFile, "the API server's port")
	progress := plan.Dir.Progress()
	group := supervise.NewGroup(plan.Dir)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	err := start(ctx, plan, socket, group, progress)
	progress.End(err)
	if err != nil {
		return err
	}
	if plan.Parent == nil {
		select {}
	}
	return endWithParent(plan, socket, group)
}

// passGate returns once the launcher has recorded this process.
func passGate() error {
	gate := os.NewFile(gateFile, "gate")
	defer gate.Close()
	if _, err := gate.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("the launcher ended before it had recorded the supervisor: %w", err)
	}
	return nil
}

func start(ctx context.Context, plan Plan, socket *os.File, group *supervise.Group, progress *state.Progress) error {
	if plan.Full() {
		config := node.Config{Dir: plan.Dir, Name: plan.Name, Port: plan.Port, AuditLog: plan.AuditLog}
		return config.Start(ctx, socket, group, progress)
	}
	config := controlplane.Config{
		Dir:         plan.Dir,
		Port:        plan.Port,
		BindAddress: "127.0.0.1",
		SharePort:   true,
		AuditLog:    plan.AuditLog,
	}
	if _, err := config.WritePKI(plan.Port); err != nil {
		return err
	}
	_, err := config.Start(ctx, group, progress)
	return err
}

// endWithParent waits for the parent's end and leaves nothing behind. The port
// is held until then.
func endWithParent(plan Plan, socket *os.File, group *supervise.Group) error {
	if err := plan.Parent.Wait(); err != nil {
		return err
	}
	group.Stop()
	socket.Close()
	if err := plan.Dir.Wipe(); err != nil {
		return err
	}
	return os.Remove(string(plan.Dir))
}
