package escape_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

const (
	togetherName     = "together" // no attempt's
	togetherVariable = "OPENCLAW_ESCAPE_TOGETHER"
	parentVariable   = "OPENCLAW_ESCAPE_PARENT" // who started the command of the cage
	groupSize        = 20
)

// together are attempts that were made in one cage, one after the other, each as
// a program of its own with a home of its own, so that none finds what another
// left. What came to no clear end there is not in it, and is made alone.
type together struct {
	mu   sync.Mutex
	came map[string]made // by mode and name
}

// made is one attempt that was made in a cage, and the home that it was made in.
type made struct {
	world *world
	result
}

func (g *together) of(m mode, e try) (made, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, ok := g.came[m.name+"/"+e.name]
	return one, ok
}

// sharesCage reports whether an attempt needs nothing of its cage that others do
// not have.
func (e try) sharesCage(m mode) bool {
	if e.alone || e.unstartable || e.denied && m.plain || m.network && !e.network || e.root && os.Getuid() != 0 {
		return false
	}
	return e.prepare == nil || reflect.ValueOf(e.prepare).Pointer() == reflect.ValueOf(victim).Pointer()
}

// runTogether makes the attempts that can share a cage.
func runTogether(t *testing.T, program string, machine []mode) *together {
	t.Helper()
	all := &together{came: map[string]made{}}
	t.Run("together", func(s *testing.T) {
		for _, m := range machine {
			var list []try
			for _, e := range attempts() {
				if e.sharesCage(m) {
					list = append(list, e)
				}
			}
			// Neighbours in the list are of one kind; the slow ones are spread.
			groups := make([][]try, (len(list)+groupSize-1)/groupSize)
			for i, e := range list {
				groups[i%len(groups)] = append(groups[i%len(groups)], e)
			}
			for i, group := range groups {
				s.Run(fmt.Sprintf("%s-%d", m.name, i), func(s *testing.T) {
					s.Parallel()
					all.run(s, t.Cleanup, program, m, group)
				})
			}
		}
	})
	return all
}

// one is what the program inside is told to start, and what it says came of it.
type one struct {
	Name, Home string
	Env        []string
	Code       int
	Text       string
}

// run makes one group of attempts. The homes stay until the whole test is over.
func (g *together) run(t *testing.T, stay func(func()), program string, m mode, group []try) {
	t.Helper()
	home, err := os.MkdirTemp("/var/tmp", "openclaw-escape-") //nolint:usetesting // t.TempDir may lie in /tmp, and ends with the group
	if err != nil {
		t.Fatal(err)
	}
	stay(func() { _ = os.RemoveAll(home) })
	base := &world{t: t, place: place{home: home}, inCage: true, landlock: m.landlock}
	if m.set != nil {
		m.set(base)
	}
	worlds := map[string]*world{}
	var told []one
	for i, e := range group {
		w := &world{t: t, place: place{home: filepath.Join(home, strconv.Itoa(i))}, noted: map[string]int{}, inCage: true, landlock: m.landlock}
		w.furnish(program)
		if m.set != nil {
			m.set(w)
		}
		if e.prepare != nil {
			e.prepare(w)
		}
		worlds[e.name] = w
		base.perms.AllowedPaths = append(base.perms.AllowedPaths, w.perms.AllowedPaths...)
		if !m.plain {
			base.perms.DeniedPaths = append(base.perms.DeniedPaths, w.perms.DeniedPaths...)
		}
		told = append(told, one{Name: e.name, Home: w.home, Env: w.environment(e.name, true)})
	}
	text, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	res, err := base.cagedWith(filepath.Join(home, "0/shared/attempt"), filepath.Join(home, "0/project"),
		append(base.environment(togetherName, true), togetherVariable+"="+string(text)), time.Duration(len(group))*attemptTimeout)
	if err != nil {
		t.Fatalf("refused to start: %v", err)
	}
	if !m.network {
		m.proven(t, res.report)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for line := range strings.Lines(res.text) {
		var came one
		if json.Unmarshal([]byte(line), &came) != nil || worlds[came.Name] == nil || !ends(came.Code) {
			t.Logf("alone: %s", line)
			continue
		}
		g.came[m.name+"/"+came.Name] = made{worlds[came.Name], result{code: came.Code, text: came.Text, report: res.report}}
	}
}

// ends reports whether a status says what came of an attempt.
func ends(code int) bool {
	return code == exitEscaped || code == exitHeld || code == diedOfCall || code == diedOfSize
}

// Statuses of an attempt that was killed: SIGSYS, for the call; SIGXFSZ, for the
// size.
const diedOfCall, diedOfSize = 128 + int(syscall.SIGSYS), 128 + int(syscall.SIGXFSZ)

// allTogether is the command of a cage for several attempts.
func allTogether() int {
	var list []one
	if err := json.Unmarshal([]byte(os.Getenv(togetherVariable)), &list); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	parent := parentVariable + "=" + strconv.Itoa(os.Getppid())
	encoder := json.NewEncoder(os.Stdout)
	for _, e := range list {
		command := exec.Command(filepath.Join(e.Home, "shared/attempt"))
		command.Env, command.Dir, command.Stdin = append(e.Env, parent), filepath.Join(e.Home, "project"), os.Stdin
		command.WaitDelay = time.Second // for what it started and left behind
		said := &strings.Builder{}
		command.Stdout, command.Stderr = said, said
		err := command.Start()
		if err == nil {
			limit := time.AfterFunc(attemptTimeout/2, func() { _ = command.Process.Kill() })
			err = command.Wait()
			limit.Stop()
		}
		e.Env, e.Code, e.Text = nil, 99, said.String()
		if state := command.ProcessState; state != nil {
			status := state.Sys().(syscall.WaitStatus)
			if e.Code = status.ExitStatus(); status.Signaled() {
				e.Code = 128 + int(status.Signal())
			}
		} else {
			e.Text += errors.Join(errors.New("not started"), err).Error()
		}
		if err := encoder.Encode(e); err != nil {
			return 99
		}
	}
	return 0
}

// furnish fills a home: the agent may write project, read shared, and nothing else.
func (w *world) furnish(program string) {
	w.t.Helper()
	w.write(".ssh/id_ed25519", secret)
	w.write("other/notes.txt", secret)
	w.write("project/main.go", "package main")
	w.write("project/secret/key", secret)
	w.write("project/.env", secret)
	w.write("project/deep/er/hidden/file", secret)
	w.write("shared/lib.txt", "shared")
	if err := os.Link(program, w.path("shared/attempt")); err != nil {
		w.t.Fatal(err)
	}
	w.perms.AllowedPaths = []policy.PathEntry{{Path: w.path("project")}, {Path: w.path("shared"), Access: policy.AccessRead}}
	w.perms.DeniedPaths = []string{w.path("project/secret"), w.home + "/**/.env", w.path("project/deep/er/hidden")}
}
