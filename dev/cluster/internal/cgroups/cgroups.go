// Package cgroups gives a full cluster a control group of its own, so that its
// processes do not count among those of the shell that brought it up.
package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Path is the cluster's group, from the top of each hierarchy. The kubelet puts
// the pods below it.
func Path(name string) string { return "/maquette-dev-" + name }

// programs is where the cluster's own processes are: in version 2 a group that
// has groups with limits below it can have no processes itself.
const programs = "programs"

// Join makes the cluster's group in every hierarchy and puts the calling process
// into it.
func Join(name string) error {
	hierarchies, err := mounted()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		top := filepath.Join(hierarchy, Path(name))
		for _, group := range []string{top, filepath.Join(top, programs)} {
			if err := create(group); err != nil {
				return err
			}
		}
		procs := filepath.Join(top, programs, "cgroup.procs")
		if err := os.WriteFile(procs, []byte("0"), 0); err != nil {
			return fmt.Errorf("join control group: %w", err)
		}
	}
	return nil
}

// create makes a group. A cpuset of version 1 starts empty, and takes no process
// until it has what its parent has.
func create(group string) error {
	if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(group, file))
		if err != nil || len(strings.TrimSpace(string(own))) > 0 || isVersion2(group) {
			continue
		}
		parents, err := os.ReadFile(filepath.Join(filepath.Dir(group), file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(group, file), parents, 0); err != nil {
			return err
		}
	}
	return nil
}

func isVersion2(group string) bool {
	_, err := os.Stat(filepath.Join(group, "cgroup.controllers"))
	return err == nil
}

// Remove removes the cluster's group with all below it, once its processes have
// been killed.
func Remove(name string) error {
	hierarchies, err := mounted()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		if err := removeTree(filepath.Join(hierarchy, Path(name))); err != nil {
			return err
		}
	}
	return nil
}

func removeTree(top string) error {
	var groups []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, group := range slices.Backward(groups) {
		if err := removeGroup(group); err != nil {
			return err
		}
	}
	return nil
}

// removeGroup tries for a while: a group stays busy until the kernel has done
// with the last of its killed processes.
func removeGroup(group string) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Rmdir(group)
		switch {
		case err == nil, errors.Is(err, syscall.ENOENT):
			return nil
		case !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline):
			return fmt.Errorf("remove control group %s: %w", group, err)
		}
	}
}

// mounted gives the folder of each hierarchy: one in version 2, one for each
// controller or two in version 1.
func mounted() ([]string, error) {
	mounts, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer mounts.Close()
	return parseMounts(mounts)
}

func parseMounts(mounts io.Reader) ([]string, error) {
	var folders []string
	lines := bufio.NewScanner(mounts)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			folders = append(folders, fields[1])
		}
	}
	return folders, lines.Err()
}
