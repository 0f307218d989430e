package sandbox_test

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// statOf is what the kernel says of a process behind its name: state, parent, group,
// session and so on, as in proc(5). It is empty for one that has gone.
func statOf(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// processes are the machine's, with what statOf says of each.
func processes() map[int][]string {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1) // whatever was read
	all := map[int][]string{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if stat := statOf(pid); len(stat) > 19 {
			all[pid] = stat
		}
	}
	return all
}

// descendants are the processes below pid: each before those below it, and the oldest
// of a parent's first. They are found by their parents: the kernel's own lists of
// children leave some out where one ends while they are read.
func descendants(pid int) []int {
	all := processes()
	children := map[int][]int{}
	for child, stat := range all {
		parent, _ := strconv.Atoi(stat[1]) // the kernel writes numbers
		children[parent] = append(children[parent], child)
	}
	born := func(pid int) int {
		ticks, _ := strconv.Atoi(all[pid][19]) // as above
		return ticks
	}
	var below func(pid int) []int
	below = func(pid int) (list []int) {
		own := children[pid]
		slices.SortFunc(own, func(a, b int) int { return cmp.Or(born(a)-born(b), a-b) })
		for _, child := range own {
			list = append(append(list, child), below(child)...)
		}
		return list
	}
	return below(pid)
}

// holds reports whether a process works in this world.
func (w *world) holds(pid int) bool {
	folder, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	return err == nil && (folder == w.home || strings.HasPrefix(folder, w.home+"/"))
}

// left are the processes of a test at a shell, but for that: those below it, those of its
// session, and those that work in the folder of its world, which no other test has.
func (c *console) left(w *world) (list []int) {
	shell := c.shell.Process.Pid
	below := descendants(shell)
	for pid, stat := range processes() {
		ended := stat[0] == "Z" || stat[0] == "X"
		if pid != shell && !ended && (w.holds(pid) || stat[3] == strconv.Itoa(shell) || slices.Contains(below, pid)) {
			list = append(list, pid)
		}
	}
	return list
}

// endAll kills what is left of a test, and looks again until nothing is: one may have
// started another just before it was killed.
func (c *console) endAll(w *world) {
	c.t.Helper()
	end := time.Now().Add(time.Minute)
	for list := c.left(w); len(list) > 0; list = c.left(w) {
		if time.Now().After(end) {
			c.t.Errorf("processes %v of the test cannot be killed", list)
			return
		}
		for _, pid := range list {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		time.Sleep(time.Millisecond)
	}
}
