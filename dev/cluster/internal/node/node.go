// Package node
package node

import (
	"context"
	"errors"
	"os"

	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

type Config struct {
	Dir      state.Dir
	Name     string
	Port     int
	AuditLog bool
}

func (c Config) Start(ctx context.Context, socket *os.File, group *supervise.Group, progress *state.Progress) error {
	return errors.New("not yet")
}

func CheckMachine() error { return errors.New("full cluster: not yet") }
