// Package supervise keeps the programs of a cluster running.
package supervise

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"maquette.dev/dev/cluster/internal/process"
	"maquette.dev/dev/cluster/internal/state"
)

// Program is something to run, with its working directory the cluster's.
type Program struct {
	// Name is what this binary is called by to be the program, if Path is empty.
	Name string
	Path string
	Args []string
}

// Group owns programs: they end when the process that has the group ends, even
// if that is killed, and they are started again when they end by themselves.
type Group struct {
	dir state.Dir

	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
	running state.Processes
	stopped bool

	// A program is killed when the thread that started it ends, so that one
	// thread, which never ends, starts them all.
	starts chan func()
}

// NewGroup makes a group; a process can have one only, as it reaps all children
// of the process. As the first process of a pid namespace it inherits orphans,
// which it reaps too.
func NewGroup(dir state.Dir) *Group {
	group := &Group{
		dir:     dir,
		waiting: map[int]chan syscall.WaitStatus{},
		running: state.Processes{},
		starts:  make(chan func()),
	}
	go func() {
		runtime.LockOSThread()
		for start := range group.starts {
			start()
		}
	}()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			group.reap()
		}
	}()
	return group
}

// Keep starts the program and keeps it running.
func (g *Group) Keep(program Program) error {
	ended, err := g.start(program, kept)
	if err != nil {
		return err
	}
	go func() {
		for {
			log.Printf("%s ended: %s; starting it again", program.Name, describe(<-ended))
			time.Sleep(time.Second)
			if ended, err = g.start(program, kept); err != nil {
				log.Printf("%s stays ended: %v", program.Name, err)
				return
			}
		}
	}()
	return nil
}

// Stop ends all programs for good, and returns once they have ended.
func (g *Group) Stop() {
	for pids := g.killAll(); pids > 0; pids = g.killAll() {
		time.Sleep(10 * time.Millisecond)
	}
}

func (g *Group) killAll() (pids int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	for pid := range g.waiting {
		_ = syscall.Kill(pid, syscall.SIGKILL) // not reaped yet, so still ours
	}
	return len(g.waiting)
}

// Run starts the program and waits for its end.
func (g *Group) Run(program Program) error {
	ended, err := g.start(program, passing)
	if err != nil {
		return err
	}
	if status := <-ended; !status.Exited() || status.ExitStatus() != 0 {
		return fmt.Errorf("%s: %s, see %s", program.Name, describe(status), g.dir.Path("logs", program.Name+".log"))
	}
	return nil
}

// Starts says how often a program that is kept running has been started.
func (g *Group) Starts(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[name].Starts
}

// A program either is kept running, and recorded, or ends by itself.
const (
	kept    = true
	passing = false
)

func (g *Group) start(program Program, keep bool) (ended chan syscall.WaitStatus, err error) {
	command, err := g.command(program)
	if err != nil {
		return nil, err
	}
	defer command.Stdout.(*os.File).Close()
	done := make(chan struct{})
	g.starts <- func() {
		defer close(done)
		ended, err = g.register(program.Name, command, keep)
	}
	<-done
	return ended, err
}

func (g *Group) command(program Program) (*exec.Cmd, error) {
	logFile, err := os.OpenFile(g.dir.Path("logs", program.Name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	path := program.Path
	if path == "" {
		// Not the file's path: the cluster outlives a new build of it.
		path = "/proc/self/exe"
	}
	return &exec.Cmd{
		Path:        path,
		Args:        append([]string{program.Name}, program.Args...),
		Dir:         string(g.dir),
		Stdout:      logFile,
		Stderr:      logFile,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}, nil
}

// register starts the command; the lock keeps reap from its end until it is known.
func (g *Group) register(name string, command *exec.Cmd, keep bool) (chan syscall.WaitStatus, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil, errors.New("the cluster is ending")
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ended := make(chan syscall.WaitStatus, 1)
	g.waiting[command.Process.Pid] = ended
	if keep {
		if err := g.record(name, command.Process.Pid); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	return ended, command.Process.Release()
}

func (g *Group) record(name string, pid int) error {
	identity, err := process.Identify(pid)
	if err != nil {
		return err
	}
	g.running[name] = state.Process{Identity: identity, Starts: g.running[name].Starts + 1}
	return g.dir.WriteProcesses(g.running)
}

func (g *Group) reap() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, ours := g.waiting[pid]; ours {
			delete(g.waiting, pid)
			ended <- status
		}
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
