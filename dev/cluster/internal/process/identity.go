// Package process names processes so that a stranger's is never mistaken for
// one of ours, and ends the ones that are ours.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity is one process for good. A pid alone is given to another process
// later; pid, start time and boot together are not.
type Identity struct {
	PID     int    `json:"pid"`
	Started uint64 `json:"started"`
	Boot    string `json:"boot"`
}

// Identify names the process that has pid now.
func Identify(pid int) (Identity, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Identity{}, err
	}
	_, started, err := parseStat(stat)
	if err != nil {
		return Identity{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, err
	}
	return Identity{PID: pid, Started: started, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive says whether this very process still runs; a zombie does not.
func (i Identity) Alive() bool {
	if i.PID <= 0 {
		return false
	}
	now, err := Identify(i.PID)
	if err != nil || now != i {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.PID))
	if err != nil {
		return false
	}
	state, _, err := parseStat(stat)
	return err == nil && state != 'Z' && state != 'X'
}

// parseStat takes the state (field 3) and the start time in clock ticks after
// boot (field 22) from /proc/PID/stat. The command's name, field 2, may itself
// contain spaces and parentheses, so fields count from the last parenthesis.
func parseStat(stat []byte) (state byte, started uint64, err error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, 0, errors.New("no command name in /proc/PID/stat")
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("%d fields after the command name in /proc/PID/stat, want 20 or more", len(fields))
	}
	started, err = strconv.ParseUint(fields[19], 10, 64)
	return fields[0][0], started, err
}
