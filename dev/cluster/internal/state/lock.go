package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Lock waits until no other process brings this cluster up or down. The lock is on
// the directory itself, so that no lock file stays behind.
func (d Dir) Lock(ctx context.Context) (unlock func(), err error) {
	for {
		unlock, err := d.tryLock()
		if unlock != nil || err != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tryLock returns nil if another process holds the lock.
func (d Dir) tryLock() (unlock func(), err error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	held, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && d.is(held) {
		return func() { held.Close() }, nil
	}
	held.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) {
		// The lock is held, or its last holder removed the directory.
		return nil, nil
	}
	return nil, fmt.Errorf("lock %s: %w", d, err)
}

func (d Dir) is(held *os.File) bool {
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(string(d))
	return err == nil && os.SameFile(mine, there)
}
