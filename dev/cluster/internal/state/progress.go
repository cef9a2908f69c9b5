package state

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// How a start ends, as the first word of the last line of progress.
const (
	ready  = "READY"
	failed = "FAILED "
)

// Progress is where the supervisor writes how far the start has got, and where
// any number of callers read it: also one that comes when half is done.
type Progress struct {
	path  string
	since time.Time
}

// Progress of the cluster in this directory.
func (d Dir) Progress() *Progress {
	return &Progress{path: d.Path("progress"), since: time.Now()}
}

// Step says that what is done.
func (p *Progress) Step(format string, args ...any) {
	p.append(fmt.Sprintf("%5.1f s  %s", time.Since(p.since).Seconds(), fmt.Sprintf(format, args...)))
}

// End says that the start has come to its end, err if it failed.
func (p *Progress) End(err error) {
	if err != nil {
		p.append(failed + err.Error())
		return
	}
	p.append(ready)
}

func (p *Progress) append(line string) {
	file, err := os.OpenFile(p.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // the directory is being removed: there is no reader
	}
	defer file.Close()
	fmt.Fprintln(file, strings.ReplaceAll(line, "\n", "; "))
}

// Read gives the steps so far, and whether the start has ended and how.
func (p *Progress) Read() (steps []string, ended bool, err error) {
	text, _ := os.ReadFile(p.path)
	for line := range strings.Lines(string(text)) {
		line, whole := strings.CutSuffix(line, "\n")
		message, hasFailed := strings.CutPrefix(line, failed)
		switch {
		case !whole:
		case hasFailed:
			return steps, true, fmt.Errorf("the cluster did not start: %s", message)
		case line == ready:
			return steps, true, nil
		default:
			steps = append(steps, line)
		}
	}
	return steps, false, nil
}
