package sandbox_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// asksName is a folder in which a supervisor of the tests asks: it writes into
// "asked" what it was asked and what was given up, and waits for "allowed".
const asksName = "asks"

func askFor(home string) sandbox.Asker {
	return askerUntil(func(ctx context.Context, d sandbox.Denial) (bool, error) {
		note := func(what string) error {
			file, err := os.OpenFile(filepath.Join(home, asksName, "asked"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = file.WriteString(what + " " + d.Mechanism + " " + d.Operation + " " + filepath.Base(d.Target) + "\n")
			return errors.Join(err, file.Close())
		}
		if err := note("held"); err != nil {
			return false, err
		}
		for {
			if _, err := os.Stat(filepath.Join(home, asksName, "allowed")); err == nil {
				return true, note("allowed")
			}
			select {
			case <-ctx.Done():
				return false, errors.Join(ctx.Err(), note("given up"))
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// asking is a person's shell whose run asks about what the script does to other/FILE.
func asking(t *testing.T, w *world, script, file, content string) *console {
	t.Helper()
	w.write(asksName+"/here", "")
	w.write("other/"+file, content)
	if err := os.Chmod(w.path("other/"+file), 0o700); err != nil {
		t.Fatal(err)
	}
	return consoleFor(t, w, "echo begun; "+script+" "+w.path("other/"+file))
}

// asked returns when that is the last word of the asks.
func asked(t *testing.T, w *world, want string) (all []string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(w.path(asksName + "/asked")); err == nil {
			all = slices.Collect(strings.Lines(string(text)))
			if len(all) > 0 && all[len(all)-1] == want+"\n" {
				return all
			}
		}
	}
	t.Fatalf("no %q in %q", want, all)
	return nil
}

// What a suspended run asks about is still held when it goes on: it is one ask,
// suspended as often as the person likes, and is answered before or after.
func TestRunStopsWhileAsking(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		ways := []struct{ name, script, command, file, content, held, says string }{
			{"program", "exec", "sh", "tool", "#!/bin/sh\necho it ran\n", "held notify execve tool", "it ran\r\n"},
			{"file", "exec cat", "cat", "text", "it was read\n", "held gate open text", "it was read\r\n"},
		}
		if newWorld(t).perms.Enforce == policy.EnforceReduced { // Landlock runs no program outside, whatever was answered
			ways = ways[1:]
			ways[0].held = "held notify open text"
		}
		for _, way := range ways {
			for _, answered := range []string{"while suspended", "afterwards"} {
				t.Run(way.name+" "+answered, func(t *testing.T) {
					w := newWorld(t)
					c := asking(t, w, way.script, way.file, way.content)
					c.say("./run\n")
					c.until("begun\r\n")
					all := asked(t, w, way.held)
					for range 2 {
						c.say("\x1a")
						c.until("Stopped")
						c.until("person> ")
						if answered != "afterwards" {
							break
						}
						c.say("fg\n")
						c.until("./run\r\n")
						c.hasTerminal(way.command)
						c.stopsNoMore(way.command)
					}
					if now := asked(t, w, way.held); !slices.Equal(now, all) {
						t.Errorf("the asks were %q, then %q", all, now)
					}
					w.write(asksName+"/allowed", "")
					if answered == "while suspended" {
						c.say("fg\n")
					}
					if said := c.until(way.says); strings.Contains(said, "Stopped") {
						t.Errorf("said %q", said)
					}
					c.until("person> ")
					if said := c.ask("echo status $?", "person> "); said != "status 0\r\n" {
						t.Errorf("said %q", said)
					}
				})
			}
		}
	})
}

// stopsNoMore returns when no stop waits to be delivered to the process of that name:
// a job is given the terminal first, and then goes on.
func (c *console) stopsNoMore(name string) {
	c.t.Helper()
	const stop = 1 << (syscall.SIGTSTP - 1)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, pid := range descendants(c.shell.Process.Pid) {
			status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
			if err != nil || !strings.HasPrefix(string(status), "Name:\t"+name+"\n") {
				continue
			}
			_, pending, _ := strings.Cut(string(status), "ShdPnd:\t")
			if set, err := strconv.ParseUint(pending[:min(16, len(pending))], 16, 64); err == nil && set&stop == 0 {
				return
			}
		}
	}
	c.t.Fatalf("%s is still to stop", name)
}
