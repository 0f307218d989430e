package escape_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// neighbour starts a process of the person in the session of who runs a cage, which is
// this program's own; outside a cage in one that it leads.
func neighbour(w *world) {
	command := exec.Command("sleep", "600")
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: !w.inCage, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	w.noted["neighbour"] = command.Process.Pid
	w.hint = strconv.Itoa(command.Process.Pid)
	if _, nice, err := share(command.Process.Pid); err == nil {
		w.noted["nice"] = nice
		w.t.Cleanup(func() { // what got out may not stay
			if _, now, err := share(os.Getpid()); w.inCage && err == nil && now != nice {
				_ = setShare("self", nice)
			}
		})
	}
}

// share is the group that the processors are divided by, and its nice value: sched(7).
func share(pid int) (group string, nice int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", pid))
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%s nice %d", &group, &nice)
	}
	return group, nice, err
}

// setShare asks again while the kernel wants it asked more slowly.
func setShare(whose string, nice int) error {
	for range 100 {
		err := os.WriteFile("/proc/"+whose+"/autogroup", []byte(strconv.Itoa(nice)), 0)
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		time.Sleep(120 * time.Millisecond)
	}
	return unix.EAGAIN
}

// lowered says that the neighbour's share of the processors is another one.
func lowered(w *world) error {
	_, nice, err := share(w.noted["neighbour"])
	if err == nil && nice == w.noted["nice"] {
		err = errors.New("as it was")
	}
	return err
}

// lower lowers a share. That of a cage's own session is the run's to lower, which is not
// seen from inside.
func lower(whose string) error {
	if err := setShare(whose, 3); err != nil || !inside() {
		return err
	}
	return errors.New("whose it is, is not seen from here")
}

// lowerOwn lowers the share of this process's session. Outside a cage that is a session
// with a program of the person's in it.
func lowerOwn(place) error {
	if inside() {
		return lower("self")
	}
	if _, err := unix.Setsid(); err != nil && !errors.Is(err, unix.EPERM) { // it leads one already
		return err
	}
	other := exec.Command("sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := other.Start(); err != nil {
		return err
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	if err := lower("self"); err != nil {
		return err
	}
	_, nice, err := share(other.Process.Pid)
	if err == nil && nice != 3 {
		err = errors.New("the other one's is as it was")
	}
	return err
}

// lowerAll lowers the share of whoever is there that has not this process's own.
func lowerAll(p place) error {
	if !inside() {
		return lower(p.hint)
	}
	own, _, err := share(os.Getpid())
	all := errors.Join(err, errors.New("nobody else's was lowered"))
	names := []string{p.hint}
	if p.initPID() == 1 { // the numbers are the cage's own
		for pid := range 300 { // also those that no listing has: threads
			names = append(names, strconv.Itoa(pid))
		}
	}
	for _, name := range names {
		pid, _ := strconv.Atoi(name)
		if group, _, err := share(pid); err == nil && group != own {
			all = errors.Join(all, fmt.Errorf("process %d: %w", pid, lower(name)))
		}
	}
	return all
}

// groupBeside puts a process group of the person beside the attempt, in its session.
func groupBeside(w *world) {
	companion(w)
	w.group = 0
	group, err := unix.Getpgid(w.noted["companion"])
	if err != nil {
		w.t.Fatal(err)
	}
	w.hint = strconv.Itoa(group)
}

// sessionAttempts reach for what the kernel counts for a session or a process group,
// where a run without a terminal is started in the person's.
func sessionAttempts() []try {
	return []try{
		{name: "processor share of the session", prepare: func(w *world) {
			neighbour(w)
			w.session = true
		}, run: lowerOwn, check: func(w *world) error {
			if !w.inCage {
				return nil // it has looked itself
			}
			return lowered(w)
		}},
		{name: "processor share of the one who started it", prepare: neighbour, check: lowered, run: func(p place) error {
			return lower(strconv.Itoa(p.initPID()))
		}},
		{name: "processor share of every process", prepare: neighbour, check: lowered, run: lowerAll},
		{name: "join a process group of the person", prepare: groupBeside, run: func(p place) error { return unix.Setpgid(0, p.pid()) }},
		{name: "have a child join a process group of the person", prepare: groupBeside, run: func(p place) error {
			command := exec.Command("/bin/true")
			command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: p.pid()}
			return command.Run()
		}},
	}
}
