//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Limits are what a run may take. Zero is no limit.
type Limits struct {
	Memory int64 // bytes, with what the run keeps in files in memory; nothing of it is swapped out
	PIDs   int64 // processes and threads of the command
	CPU    int64 // thousandths of a core, over any 100 ms
}

// period is what cpu.max counts in, in microseconds: the kernel's default.
const period = 100_000

// setting is one file and what is to be in it.
type setting struct {
	controller string
	file       string // below the run's folder
	value      string
	optional   bool // a kernel without swap does not have it
}

func (l Limits) settings() []setting {
	number := func(n int64) string {
		if n == 0 {
			return "max"
		}
		return strconv.FormatInt(n, 10)
	}
	swap, group, cpu := "max", "0", "max"
	if l.Memory != 0 {
		swap, group = "0", "1"
	}
	if l.CPU != 0 {
		cpu = strconv.FormatInt(max(l.CPU*period/1000, 1000), 10) // the kernel takes no quota below 1 ms
	}
	return []setting{
		{Memory, "memory.swap.max", swap, true},
		{Memory, "memory.oom.group", group, false},
		{Memory, "memory.max", number(l.Memory), false},
		{PIDs, "command/pids.max", number(l.PIDs), false},
		{CPU, "cpu.max", cpu + " " + strconv.Itoa(period), false},
	}
}

// Set puts limits in force, also on a run that has begun, and reads them back.
// Memory that is in use beyond a new limit is reclaimed, or the run is ended
// for it. Limits of a controller that the place does not have are an *Error of
// KindMissing, and then none was changed.
func (g *Group) Set(l Limits) error {
	const op = "set limits"
	g.setting.Lock()
	defer g.setting.Unlock()
	for name, wanted := range map[string]int64{Memory: l.Memory, PIDs: l.PIDs, CPU: l.CPU} {
		if wanted != 0 && !g.Has(name) {
			return &Error{Op: op, Kind: KindMissing, Err: fmt.Errorf("the controller %q is not given to this group", name), Hint: Delegation(name)}
		}
	}
	for _, s := range l.settings() {
		if !g.Has(s.controller) {
			continue
		}
		name := path.Join(g.dir, s.file)
		err := write(name, s.value)
		if s.optional && errors.Is(err, fs.ErrNotExist) {
			if s.value == "0" && swapping() {
				return &Error{Op: op, Kind: KindMissing, Err: errors.New("the kernel does not count swap"), Hint: "boot with swapaccount=1, or switch swap off"}
			}
			continue
		}
		if err != nil {
			return &Error{Op: op, Err: err}
		}
		if err := readBack(name, s); err != nil {
			return &Error{Op: op, Err: err}
		}
	}
	return nil
}

func readBack(name string, s setting) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	got := strings.TrimSpace(string(text))
	if got == s.value {
		return nil
	}
	// The kernel counts memory in whole pages.
	have, err1 := strconv.ParseInt(got, 10, 64)
	wanted, err2 := strconv.ParseInt(s.value, 10, 64)
	if err1 == nil && err2 == nil && have <= wanted && wanted-have < int64(os.Getpagesize()) {
		return nil
	}
	return fmt.Errorf("%s is %q after %q was written", s.file, got, s.value)
}

// Delegation is how a person gets a controller that is not given.
func Delegation(controller string) string {
	return "let systemd hand the " + controller + " controller on: sudo systemctl edit user@.service, and there [Service] Delegate=cpu memory pids; then log in again"
}

func swapping() bool {
	text, err := os.ReadFile("/proc/swaps")
	return err != nil || strings.Count(string(text), "\n") > 1
}

func write(name, value string) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(value); err != nil {
		_ = file.Close()
		return fmt.Errorf("write %q: %w", value, err)
	}
	return file.Close()
}
