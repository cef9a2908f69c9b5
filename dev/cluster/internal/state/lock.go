package state

import (
	"fmt"
	"os"
	"syscall"
)

// Lock waits until nobody else brings this cluster up or down. The lock is on
// the directory itself, so that no lock file stays behind.
func (d Dir) Lock() (unlock func(), err error) {
	for {
		if err := os.MkdirAll(string(d), 0o700); err != nil {
			return nil, err
		}
		held, err := os.Open(string(d))
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
			held.Close()
			return nil, fmt.Errorf("lock %s: %w", d, err)
		}
		if d.is(held) {
			return func() { held.Close() }, nil
		}
		// Whoever held the lock before removed the directory.
		held.Close()
	}
}

func (d Dir) is(held *os.File) bool {
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(string(d))
	return err == nil && os.SameFile(mine, there)
}
