package sandbox_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// What a narrower policy denies is refused at once, or Update says that it is still
// open, which is what on_narrow flags or ends the run for: nothing is both
// reachable and unsaid, wherever it was bound natively.
func TestNarrowingHoldsOrIsSaid(t *testing.T) {
	files := []string{"project/main.go", "project/.env", "project/secret/key", "project/deep/er/hidden/file", "project/bare/a/x", "project/bare/b/y.key"}
	builds := map[string]func(*world){
		"a whole folder":         func(w *world) { w.allow("project") },
		"a folder that is split": func(w *world) { w.allow("project").deny("project/deep/er/nothing") },
		"two in one":             func(w *world) { w.allow("project", "project/bare/a") },
	}
	narrower := map[string]func(*world){
		"nothing":           func(w *world) { w.perms.AllowedPaths = nil },
		"only to be read":   func(w *world) { w.perms.AllowedPaths = nil; w.allowRead("project") },
		"a part of it":      func(w *world) { w.perms.AllowedPaths = nil; w.allow("project/bare/a") },
		"a denied folder":   func(w *world) { w.deny("project/secret") },
		"a deep one":        func(w *world) { w.deny("project/bare/b") },
		"a denied file":     func(w *world) { w.deny("project/.env") },
		"a pattern":         func(w *world) { w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("project/**/*.key")) },
		"a pattern of dots": func(w *world) { w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.home+"/**/.env") },
	}
	for built, build := range builds {
		for narrowed, narrow := range narrower {
			t.Run(built+", "+narrowed, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write("project/bare/a/x", "x")
				w.write("project/bare/b/y.key", "y")
				build(w)
				process, try, end := shellIn(t, w)
				defer end()
				for _, name := range files {
					if !try("cat " + w.path(name)) {
						t.Fatalf("%s is closed before", name)
					}
				}
				narrow(w)
				next := w.policy()
				change, err := process.Update(next)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range files {
					full := w.path(name)
					for class, script := range map[policy.Class]string{policy.ClassPathRead: "cat " + full, policy.ClassPathWrite: "true >> " + full} {
						denied := next.Decide(policy.Request{Class: class, Path: full}).Effect == policy.Deny
						if denied && try(script) && !said(change, full) {
							t.Errorf("%s of %s works, and is not among %q", class, name, change.StillOpen)
						}
					}
				}
			})
		}
	}
}

// What a program has open through the gate gives no more and takes no more once a
// narrower policy denies it: nothing that is written to it from then on is seen, and
// no hole is made in it. Nor can it be locked, where programs outside would wait for it;
// a lock that it has can be given back.
func TestNarrowingReachesOpenFiles(t *testing.T) {
	w := newWorld(t).allow("project")
	w.write("given/log", "before\n")
	w.write("given/data", strings.Repeat("x", 8192))
	w.write("given/kept", "one\n")
	w.write("given/long", strings.Repeat("y", 65536)) // the kernel reads ahead of the program
	spec := w.spec("sh", "-c", `cd "$1"; until cat ../given/log; do sleep 0.02; done >/dev/null 2>&1; exec 3<../given/log 4<>../given/data 5<../given/kept 6<../given/long; read -r first <&3; read -r one <&5; dd bs=1 count=1 <&6 >/dev/null 2>&1; flock -s 3; echo opened > opened
		until [ -e narrowed ]; do sleep 0.02; done
		read -r second <&3 && echo "$second"; perl -e "exit(syscall($2, 4, 3, 0, 4096) == 0 ? 0 : 1)" && echo a hole; flock -n 4 && echo a lock; flock -u 3 || echo no unlock; dd bs=16 count=1 <&6 2>/dev/null; cat <&5`,
		"sh", w.path("project"), strconv.Itoa(unix.SYS_FALLOCATE))
	process, wait := start(t, spec)
	if _, err := process.Update(w.allow("given").policy()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !w.exists("project/opened"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the program does not begin")
		}
	}
	w.perms.AllowedPaths = nil
	w.allow("project", "given/kept")
	change, err := process.Update(w.policy())
	if err != nil || len(change.StillOpen) > 0 {
		t.Fatal(err, change)
	}
	for name, text := range map[string]string{"log": "after\n", "kept": "two\n"} {
		file, err := os.OpenFile(w.path("given/"+name), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = file.WriteString(text)
		}
		if err = errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	w.write("project/narrowed", "")
	if res := wait(); res.out != "two\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if w.read("given/data") != strings.Repeat("x", 8192) {
		t.Error("a hole was made in what is denied")
	}
}

// What a run was given in its environment cannot be taken out of it, and that is said:
// of what it has, not of what it never had.
func TestWhatTheEnvironmentHasIsSaid(t *testing.T) {
	w := newWorld(t).allow("project")
	in, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	spec := w.spec("cat")
	built := *spec.Policy
	built.Env = []string{"GONE", "KEPT", "NEVER"}
	spec.Policy, spec.Stdin, spec.Env = &built, in, append(spec.Env, "GONE=1", "KEPT=1")
	process, wait := start(t, spec)
	_ = in.Close()
	next := built
	next.Env = []string{"KEPT", "NEW"}
	change, err := process.Update(&next)
	if err != nil || !slices.Equal(change.StillOpen, []string{"env: this run has GONE already"}) || !slices.Contains(change.NeedsRun, "env: NEW") {
		t.Errorf("%v, %+v", err, change)
	}
	_ = end.Close()
	wait()
}

// said reports whether a path is below one that is said to be open, or matches a
// pattern that is.
func said(change sandbox.Change, name string) bool {
	for _, open := range change.StillOpen {
		place, _, _ := strings.Cut(open, ": ")
		head, tail, pattern := strings.Cut(place, "**")
		if name == place || strings.HasPrefix(name, place+"/") || pattern && strings.HasPrefix(name, head) && strings.HasSuffix(name, tail[strings.LastIndexAny(tail, "/*")+1:]) {
			return true
		}
	}
	return false
}

// shellIn starts a shell in a cage, and runs lines in it.
func shellIn(t *testing.T, w *world) (process *sandbox.Process, try func(script string) bool, end func()) {
	t.Helper()
	k := newTalk(t, w)
	return k.process, k.works, func() { k.end() }
}

// A pattern that comes during the run is held against what comes after it, in the folders
// that the run watches.
func TestAPatternOfTheRunIsHeldAgainstWhatComes(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/**/.env")
	w.write("project/sub/here", "")
	w.write("project/other/here", "")
	k := newTalk(t, w)
	w.write("project/sub/.env", "PASSWORD")
	k.warns("project/sub/.env came to match")
	if _, err := k.process.Update(w.deny("project/**/*.pem").policy()); err != nil {
		t.Fatal(err)
	}
	w.write("project/other/key.pem", "KEY")
	k.warns("project/other/key.pem came to match")
	if k.works("cat ~/project/other/key.pem") || k.works("cat ~/project/sub/.env") || !k.works("cat ~/project/sub/here") {
		t.Error("what came is readable, or what is allowed is not")
	}
	k.end()
}
