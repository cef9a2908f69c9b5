package state

import (
	"encoding/json"
	"errors"
	"os"

	"maquette.dev/dev/cluster/internal/process"
)

// Record is what is known of a cluster from outside it.
type Record struct {
	// Name is the cluster's name; a control plane alone has none.
	Name string `json:"name,omitempty"`
	// Port is the API server's, on 127.0.0.1.
	Port int `json:"port"`
	// Supervisor is the process that owns all others of the cluster.
	Supervisor process.Identity `json:"supervisor"`
}

// Read returns the record, or a zero one where a start has not got so far.
func (d Dir) Read() (Record, error) {
	var record Record
	text, err := os.ReadFile(d.record())
	if errors.Is(err, os.ErrNotExist) {
		return record, nil
	}
	if err != nil || len(text) == 0 {
		return record, explain(err)
	}
	return record, json.Unmarshal(text, &record)
}

// Write replaces the record.
func (d Dir) Write(record Record) error {
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(d.record(), text)
}

// WriteFile writes a file whole or not at all, readable by its owner only.
func WriteFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
