package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// bundling is a person whose environment holds a secret, and which files their folder
// lists, hidden ones too.
func bundling(t *testing.T) (p *person, folder string, holds func() []string) {
	t.Helper()
	p = newPerson(t)
	p.environ = append(p.environ, "MY_OWN_TOKEN="+knownCanary)
	folder = filepath.Join(p.home, "bundles")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return p, folder, func() (names []string) {
		t.Helper()
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
}

// Where a bundle cannot be written it is said why and what to do, and nothing of it is left
// there: on a disk that is full, one that cuts it in the middle, in a folder that is read only, and one that is
// not there.
func TestABundleThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	p, _, _ := bundling(t)
	got := p.inNamespaces("--net", `
		say() { echo "== $1"; shift; "$@" 2>&1; echo "status $?"; }
		disk=$HOME/bundles
		mount -t tmpfs -o size=256k,mode=700 none "$disk" || exit 99
		dd if=/dev/zero of="$disk/fill" bs=4k 2>/dev/null
		say full "$1" doctor --bundle "$disk/b.tar.gz"
		rm "$disk/fill"
		say left1 ls -A "$disk"
		(ulimit -f 2; say cut "$1" doctor --bundle "$disk/b.tar.gz") # after a kilobyte
		say left2 ls -A "$disk"
		mkdir "$HOME/readonly"; mount -t tmpfs -o ro none "$HOME/readonly" || exit 99
		say readonly "$1" doctor --bundle "$HOME/readonly/b.tar.gz"
		say gone "$1" doctor --bundle "$disk/none/b.tar.gz"
		say left ls -A "$disk"
		say room "$1" doctor --bundle "$disk/b.tar.gz"
		say whole tar -tzf "$disk/b.tar.gz"
		say now ls -A "$disk"`)
	for step, wants := range map[string]string{
		"full": "no space left on device", "cut": "file too large", "readonly": "read-only file system", "gone": "no such file",
	} {
		said := part(t, got.out, step)
		says(t, said, "openclaw: write the support bundle: ", wants, "check the folder", "status 1")
		if strings.Contains(said, knownCanary) {
			t.Errorf("%s shows a secret: %s", step, said)
		}
	}
	for _, step := range []string{"left", "left1", "left2"} {
		if left := strings.TrimSpace(part(t, got.out, step)); left != "status 0" {
			t.Errorf("%s: left behind: %s", step, left)
		}
	}
	says(t, part(t, got.out, "room"), "mode 0600", "status 0")
	says(t, part(t, got.out, "whole"), "openclaw-support/README.txt", "openclaw-support/timings.json", "status 0")
	if now := strings.TrimSpace(part(t, got.out, "now")); now != "b.tar.gz\nstatus 0" {
		t.Errorf("beside it: %s", now)
	}
}

// Of two bundles for one name one is written, whole; the other says that it is there.
func TestTwoBundlesAtOnce(t *testing.T) {
	t.Parallel()
	p, folder, holds := bundling(t)
	for round := range 3 {
		name := fmt.Sprintf("b%d.tar.gz", round)
		var ended [4]result
		var group sync.WaitGroup
		for i := range ended {
			group.Go(func() { ended[i] = p.openclaw("doctor", "--bundle", filepath.Join(folder, name)) })
		}
		group.Wait()
		written := 0
		for _, r := range ended {
			switch {
			case r.code == exitOK && strings.Contains(r.out, "mode 0600"):
				written++
			case r.code != exitUsage || !strings.Contains(r.errors, "is there already") || !strings.Contains(r.errors, "choose another name"):
				t.Errorf("%+v", r)
			}
		}
		if text := unpacked(t, filepath.Join(folder, name)); written != 1 || !strings.Contains(text, "timings.json") || strings.Contains(text, knownCanary) {
			t.Errorf("%d were written; %d bytes, a secret in it: %v", written, len(text), strings.Contains(text, knownCanary))
		}
	}
	if names := strings.Join(holds(), " "); names != "b0.tar.gz b1.tar.gz b2.tar.gz" {
		t.Errorf("the folder holds %s", names)
	}
}

// Killed at any step of its writing, a bundle is there whole or not at all, and nothing else.
func TestABundleThatIsKilled(t *testing.T) {
	t.Parallel()
	p, folder, holds := bundling(t)
	strace, err := exec.LookPath("strace")
	required(t, err == nil, "strace is not installed")
	for _, row := range []struct {
		step, call, of string // of: only calls about this path; strace counts the calls of each thread apart
		whole          bool
	}{{"its bytes are synced", "fsync", "", false}, {"it gets its name", "linkat", "", false}, {"its folder is synced", "fsync", folder, true}} {
		t.Run(row.step, func(t *testing.T) {
			name := filepath.Join(folder, "b.tar.gz")
			words := []string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,linkat", "-e", "inject=" + row.call + ":signal=KILL:when=1"}
			if row.of != "" {
				words = append(words, "-P", row.of)
			}
			words = append(words, p.binary, "doctor", "--bundle", name)
			program := strace
			if os.Getuid() != 0 { // who traces must see what a descriptor is of, which openclaw hides from its user
				words = append([]string{"--user", "--map-root-user", strace}, words...)
				program = "unshare"
			}
			cmd := exec.CommandContext(t.Context(), program, words...)
			cmd.Env, cmd.Dir = p.environ, p.home
			out, err := cmd.CombinedOutput()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL && ended.ExitCode() != 128+int(syscall.SIGKILL) {
				t.Fatalf("it was not killed: %v\n%s", err, out)
			}
			if !row.whole {
				if names := holds(); len(names) != 0 {
					t.Errorf("left behind: %q", names)
				}
				return
			}
			if text := unpacked(t, name); len(holds()) != 1 || !strings.Contains(text, "timings.json") {
				t.Errorf("left: %q", holds())
			}
			_ = os.Remove(name)
		})
	}
}
