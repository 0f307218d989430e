package sandbox_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// exhaustVariable makes the test program do what exhaust does, until its input ends.
const exhaustVariable = "OPENCLAW_TEST_EXHAUST"

// exhaust takes what the kernel counts for all programs of a user, until it gets no
// more, and says how much that was.
func exhaust() string {
	instances := 0
	for ; instances < 4096; instances++ {
		if _, err := unix.InotifyInit1(unix.IN_CLOEXEC); err != nil {
			break
		}
	}
	fd, sent := -1, 0
	for range 4096 {
		if fd < 0 {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				break
			}
			fd = pair[0] // the other stays open, and nobody reads from it
		}
		err := unix.Sendmsg(fd, []byte{0}, unix.UnixRights(make([]int, 250)...), nil, unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EAGAIN) {
			fd = -1
			continue
		}
		if err != nil {
			break
		}
		sent += 250
	}
	return fmt.Sprint(instances, " ", sent)
}

// What a program in a cage uses up of what the kernel counts for all programs of a user
// keeps no other cage from starting, and none is weaker for it.
func TestAnotherCageTakesAllItGets(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/deep/.env", "PASSWORD")
	program := w.tool()
	spec := w.spec(program)
	spec.Env = append(spec.Env, exhaustVariable+"=yes", "GORACE=atexit_sleep_ms=0")
	greedy := talkTo(t, spec, start)
	var instances, sent int
	if answer := greedy.answer(); answer == "" {
		t.Fatal("no answer")
	} else if _, err := fmt.Sscan(answer, &instances, &sent); err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(readFile(t, "/proc/sys/fs/inotify/max_user_instances")))
	if err != nil {
		t.Fatal(err)
	}
	if instances == 0 || instances > most/4 {
		t.Errorf("%d of the user's %d inotify instances", instances, most)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < 500_000 && sent < int(limit.Max/2) {
		t.Errorf("only %d descriptors were sent: this test shows nothing", sent)
	}
	if res := w.sh(`cat ~/project/main.go ~/project/deep/.env`); res.out != "package main" {
		t.Errorf("beside it: %+v", res)
	}
	greedy.end()
}
