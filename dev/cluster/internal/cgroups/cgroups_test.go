package cgroups

import (
	"slices"
	"strings"
	"testing"
)

func TestParseMounts(t *testing.T) {
	for name, test := range map[string]struct {
		mounts string
		want   []string
	}{
		"version 2": {
			"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n",
			[]string{"/sys/fs/cgroup"},
		},
		"version 1": {
			"tmpfs /sys/fs/cgroup tmpfs ro 0 0\n" +
				"cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n" +
				"cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n" +
				"cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
			[]string{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"},
		},
		"none": {"proc /proc proc rw 0 0\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMounts(strings.NewReader(test.mounts))
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
