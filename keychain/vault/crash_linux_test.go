package vault

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/keychain"
)

const (
	childRole = "OPENCLAW_VAULT_TEST_ROLE"
	childPath = "OPENCLAW_VAULT_TEST_PATH"
)

func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required and not possible here: " + reason)
	}
	t.Skip(reason)
}

// child starts this test again in a process of its own.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.SplitN(t.Name(), "/", 2)[0]+"$", "-test.v")
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path, "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// setMany is the child's work: n values under names of its own.
func setMany(t *testing.T, n int) {
	t.Helper()
	v := reopen(t, os.Getenv(childPath))
	for i := range n {
		set(t, v, fmt.Sprintf("%s-%d", os.Getenv(childRole), i), strconv.Itoa(i))
	}
}

func TestVaultTwoProcessesLoseNothing(t *testing.T) {
	const each = 40
	if os.Getenv(childRole) != "" {
		setMany(t, each)
		return
	}
	v, path := newVault(t)
	var children []*exec.Cmd
	for _, role := range []string{"one", "two"} {
		cmd := child(t, role, path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, cmd)
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	names, err := v.List(t.Context())
	if err != nil || len(names) != 2*each {
		t.Fatalf("%d of %d names are left: %v", len(names), 2*each, err)
	}
	if generation, _ := v.Generation(); generation != 1+2*each {
		t.Fatalf("generation %d", generation)
	}
}

// A writer that is killed at any moment leaves the old or the new vault, and
// what it reported as stored is there.
func TestVaultWriterKilled(t *testing.T) {
	if role := os.Getenv(childRole); role != "" {
		v := reopen(t, os.Getenv(childPath))
		for i := 0; ; i++ {
			set(t, v, "counter", strconv.Itoa(i))
			if err := os.WriteFile(os.Getenv(childPath)+"-reported", []byte(strconv.Itoa(i)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	v, path := newVault(t)
	set(t, v, "kept", "value")
	wrote := 0
	for range 15 {
		_ = os.Remove(path + "-reported")
		set(t, v, "counter", "-1")
		cmd := child(t, "writer", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 60_000 { // a minute: it is a program that starts
			if _, err := os.Stat(path + "-reported"); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(rand.N(10 * time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		after := reopen(t, path)
		want(t, after, "kept", "value")
		got, err := after.Get(t.Context(), "counter")
		if err != nil {
			t.Fatal(err)
		}
		stored, err := strconv.Atoi(string(got.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		reported := -1
		if text, err := os.ReadFile(path + "-reported"); err == nil {
			wrote++
			if len(text) > 0 { // otherwise it ended within the report
				reported, _ = strconv.Atoi(string(text))
			}
		}
		if stored < reported {
			t.Fatalf("%d was reported as stored, %d is there", reported, stored)
		}
		if previous, err := os.ReadFile(path + previousSuffix); err != nil {
			t.Fatal(err)
		} else if _, err := parse(previous, *cheap().floor); err != nil {
			t.Fatalf("the previous file: %v", err)
		}
	}
	if wrote < 10 {
		t.Fatalf("only %d of 15 writers wrote before their end", wrote)
	}
	set(t, v, "counter", "end")
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 4 { // the vault, the lock, the previous, the report
		t.Fatalf("left behind: %v %v", entries, err)
	}
}

// A write that the disk cuts at any byte leaves the old vault.
func TestVaultDiskFullAtEveryLength(t *testing.T) {
	if os.Getenv(childRole) != "" {
		signal.Ignore(syscall.SIGXFSZ)
		path := os.Getenv(childPath)
		v := reopen(t, path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for limit := int64(0); limit <= info.Size(); limit += 97 {
			set := func(size uint64) {
				if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}); err != nil {
					t.Fatal(err)
				}
			}
			set(uint64(limit))
			err := v.Set(t.Context(), "a", keychain.NewSecret([]byte("new, and a little longer than the padding"+string(make([]byte, 2000)))))
			set(unix.RLIM_INFINITY)
			wantKind(t, err, keychain.KindFailed)
			want(t, v, "a", "old")
		}
		return
	}
	v, path := newVault(t)
	set(t, v, "a", "old")
	runChild(t, child(t, "limit", path))
	want(t, v, "a", "old")
	leftNothing(t, path)
}

// The same on a file system that is really full.
func TestVaultDiskFull(t *testing.T) {
	if os.Getenv(childRole) != "" {
		dir := os.Getenv(childPath)
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "v")
		v, err := Create(t.Context(), path, Passphrase([]byte(words)), cheap())
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		set(t, v, "a", "old")
		for i := range 40 {
			err = v.Set(t.Context(), fmt.Sprintf("n%d", i), keychain.NewSecret(make([]byte, 2000)))
			if err != nil {
				break
			}
		}
		wantKind(t, err, keychain.KindFailed)
		want(t, reopen(t, path), "a", "old")
		leftNothing(t, path)
		return
	}
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	runChild(t, cmd)
}

func runChild(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	output, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		skip(t, "no child with namespaces of its own: "+err.Error())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func leftNothing(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 3 { // the vault, its lock, the previous
		t.Fatalf("left behind: %v %v", entries, err)
	}
}
