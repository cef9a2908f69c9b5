package process

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Kill ends the process and returns once it is gone. A process that is gone
// already, or another one that has got its pid, is left alone.
func (i Identity) Kill(timeout time.Duration) error {
	fd, err := i.open()
	if err != nil || fd < 0 {
		return err
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", i.PID, err)
	}
	if !waitGone(fd, timeout) {
		return fmt.Errorf("process %d did not end after SIGKILL", i.PID)
	}
	return nil
}

// Wait returns once the process is gone.
func (i Identity) Wait() error {
	fd, err := i.open()
	if err != nil || fd < 0 {
		return err
	}
	defer unix.Close(fd)
	waitGone(fd, -1)
	return nil
}

// open gets a handle on this very process, or -1 where it is gone. The identity
// is compared after the handle is open: from then on the pid cannot move on to
// another process unnoticed.
func (i Identity) open() (int, error) {
	if !i.Alive() {
		return -1, nil
	}
	fd, err := unix.PidfdOpen(i.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", i.PID, err)
	}
	if !i.Alive() {
		unix.Close(fd)
		return -1, nil
	}
	return fd, nil
}

// waitGone waits for the end of the process behind fd; a negative timeout never
// runs out.
func waitGone(fd int, timeout time.Duration) bool {
	deadline := time.Now().Add(timeout)
	for {
		wait := -1
		if timeout >= 0 {
			wait = max(0, int(time.Until(deadline).Milliseconds()))
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && ready > 0
	}
}
