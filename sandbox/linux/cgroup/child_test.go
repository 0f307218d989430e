//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is what a re-executed test program does; it waits for a line first, so
// that it is in its group before it takes anything.
func child(what string) int {
	if what == "boot" {
		fmt.Println(boot(os.Args[1:]))
		return 102
	}
	verb, argument, _ := strings.Cut(what, " ")
	number, _ := strconv.Atoi(argument)
	if verb != "find" && verb != "leave" {
		var line [1]byte
		if _, err := os.Stdin.Read(line[:]); err != nil {
			return 100
		}
	}
	switch verb {
	case "eat": // MiB
		memory, err := unix.Mmap(-1, 0, number<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return 101
		}
		for i := 0; i < len(memory); i += 4096 {
			memory[i] = 1
		}
		fmt.Println("eaten")
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
			return 0
		}
	case "fork": // at most so many; says how many could be made
		made := 0
		for range number {
			pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Files: []uintptr{}})
			if err != nil {
				break
			}
			made++
			_ = pid
		}
		fmt.Println("made", made)
	case "spin":
		fmt.Println("spinning")
		for begin := time.Now(); time.Since(begin) < time.Duration(number)*time.Millisecond; {
		}
	case "raise": // try to lift the limits from a namespace of its own
		out, err := exec.Command("unshare", "-Urm", "-C", "sh", "-c", `mkdir -p /tmp/view && mount -t cgroup2 none /tmp/view && cd /tmp/view && ls && cat cgroup.procs >/dev/null &&
for f in pids.max memory.max cpu.max; do echo max > $f; done; echo 1000000 > cgroup.max.descendants; find . -xdev -name "pids.*"; mkdir sub sub/deeper; true`).CombinedOutput()
		fmt.Printf("%s%v\n", out, err)
		return 0
	case "find":
		place, err := Find()
		if err != nil {
			fmt.Println("error:", err)
			return 0
		}
		g, err := place.Make()
		if err != nil {
			fmt.Println("error:", err)
			return 0
		}
		err = g.Set(Limits{PIDs: 10, Memory: 64 << 20, CPU: 500})
		text, _ := os.ReadFile(g.dir + "/command/pids.max")
		fmt.Println(place.Path(), place.have, err, strings.TrimSpace(string(text)), g.Remove())
	case "leave": // a supervisor that is killed
		place, err := Find()
		if err != nil {
			return 1
		}
		g, err := place.Make()
		if err != nil {
			return 2
		}
		sleeper := exec.Command("sleep", "1000")
		if err := sleeper.Start(); err != nil || g.Take(sleeper.Process.Pid) != nil {
			return 3
		}
		fmt.Println(g.dir, sleeper.Process.Pid)
		time.Sleep(time.Hour)
	}
	return 0
}
