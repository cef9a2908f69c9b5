package cluster

import (
	"context"
	"os"
	"time"

	"maquette.dev/dev/cluster/internal/cgroups"
	"maquette.dev/dev/cluster/internal/state"
)

// patience is how long killed processes may take to be gone.
const patience = 30 * time.Second

// Down ends the cluster and removes all that it left, however it ended. It says
// whether there was one.
func Down(ctx context.Context, dir state.Dir) (found bool, err error) {
	if ours, err := dir.Ours(); !ours || err != nil {
		return false, err
	}
	unlock, err := dir.Lock(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	record, err := dir.Read()
	if err != nil {
		return true, err
	}
	return true, remove(dir, record)
}

// remove ends the cluster and removes its directory.
func remove(dir state.Dir, record state.Record) error {
	if err := end(dir, record); err != nil {
		return err
	}
	if err := dir.Wipe(); err != nil {
		return err
	}
	if err := os.Remove(string(dir)); err != nil {
		return err
	}
	_ = os.Remove(state.Root) // only the last cluster leaves it empty
	return nil
}

// end kills the cluster's processes. A supervisor takes its programs with it:
// in a full cluster the kernel ends all that runs in its pid namespace, and all
// namespaces and mounts end with the processes.
func end(dir state.Dir, record state.Record) error {
	if err := record.Supervisor.Kill(patience); err != nil {
		return err
	}
	if record.Name != "" {
		return cgroups.Remove(record.Name)
	}
	processes, err := dir.ReadProcesses()
	if err != nil {
		return err
	}
	for _, program := range processes {
		if err := program.Identity.Kill(patience); err != nil {
			return err
		}
	}
	return nil
}
