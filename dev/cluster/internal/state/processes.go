package state

import (
	"encoding/json"
	"errors"
	"os"

	"maquette.dev/dev/cluster/internal/process"
)

// Process is one program that the supervisor keeps running. In a full cluster
// its pid is that in the cluster's own pid namespace.
type Process struct {
	Identity process.Identity `json:"identity"`
	Starts   int              `json:"starts"`
}

// Processes by the program's name.
type Processes map[string]Process

// ReadProcesses returns what the supervisor wrote last; none is no error.
func (d Dir) ReadProcesses() (Processes, error) {
	text, err := os.ReadFile(d.Path("processes.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var processes Processes
	return processes, json.Unmarshal(text, &processes)
}

// WriteProcesses replaces what is known of the programs.
func (d Dir) WriteProcesses(processes Processes) error {
	text, err := json.MarshalIndent(processes, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(d.Path("processes.json"), text)
}
