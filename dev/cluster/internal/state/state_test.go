package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"maquette.dev/dev/cluster/internal/process"
)

func TestWipeLeavesTheFilesOfOthersAlone(t *testing.T) {
	dir := Dir(t.TempDir())
	if err := os.WriteFile(dir.Path("thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Wipe(); err == nil {
		t.Error("no error")
	}
	if err := dir.Prepare(); err == nil {
		t.Error("a cluster may be made there")
	}
	if _, err := os.Stat(dir.Path("thesis.txt")); err != nil {
		t.Error(err)
	}
}

func TestWipeRemovesWhatAClusterLeft(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "new"))
	if err := dir.Wipe(); err != nil {
		t.Errorf("where nothing is: %v", err)
	}
	if err := dir.Prepare(); err != nil {
		t.Fatal(err)
	}
	if ours, err := dir.Ours(); !ours || err != nil {
		t.Errorf("a directory that is prepared is not recognised: %v", err)
	}
	if err := dir.Wipe(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(string(dir)); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestRecordsComeBack(t *testing.T) {
	dir := Dir(t.TempDir())
	if record, err := dir.Read(); err != nil || record != (Record{}) {
		t.Errorf("where none is: %v, %v", record, err)
	}
	written := Record{Name: "a", Port: 1, Supervisor: process.Identity{PID: 2, Started: 3, Boot: "b"}}
	if err := dir.Write(written); err != nil {
		t.Fatal(err)
	}
	if read, err := dir.Read(); err != nil || read != written {
		t.Errorf("got %v, %v", read, err)
	}
}

func TestProgress(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*Progress)
		ended  bool
		failed bool
	}{
		"under way": {end: func(*Progress) {}},
		"ready":     {end: func(p *Progress) { p.End(nil) }, ended: true},
		"failed":    {end: func(p *Progress) { p.End(errors.New("two\nlines")) }, ended: true, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			progress := Dir(t.TempDir()).Progress()
			progress.Step("%s is ready", "etcd")
			test.end(progress)
			steps, ended, err := progress.Read()
			if len(steps) != 1 || ended != test.ended || (err != nil) != test.failed {
				t.Errorf("got %q, %v, %v", steps, ended, err)
			}
		})
	}
}

func TestOnlyOneHoldsTheLock(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "new"))
	unlock, err := dir.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dir.Lock(brief); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	var order []string
	done := make(chan error)
	go func() {
		unlock, err := dir.Lock(t.Context())
		if err == nil {
			order = append(order, "second")
			unlock()
		}
		done <- err
	}()
	order = append(order, "first")
	// As down does: a waiting process must not lock a directory that is gone.
	if err := os.Remove(string(dir)); err != nil {
		t.Error(err)
	}
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !slices.Equal(order, []string{"first", "second"}) {
		t.Errorf("the order was %v", order)
	}
	if _, err := os.Stat(string(dir)); err != nil {
		t.Errorf("the second lock is on nothing: %v", err)
	}
}
