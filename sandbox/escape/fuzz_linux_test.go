package escape_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/mounttest"
	"openclaw/sandbox/policy"
)

// fuzzTimeVariable says how long to fuzz, as "10m". Unset: a few seconds.
const fuzzTimeVariable = "OPENCLAW_ESCAPE_FUZZ_TIME"

// fuzzSeedVariable is the seed of the first round, to see a finding again.
const fuzzSeedVariable = "OPENCLAW_ESCAPE_FUZZ_SEED"

// Random calls in a cage change nothing outside of what its policy opens, leave
// its supervisor alive, and end when they are told to.
func TestFuzzCalls(t *testing.T) {
	whole, wanted := 2*time.Second, int64(3000)
	if text := os.Getenv(fuzzTimeVariable); text != "" {
		var err error
		if whole, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		wanted = 50_000
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(fuzzSeedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	copied := program(t)
	for until := time.Now().Add(whole); time.Now().Before(until); seed += 1_000_000 {
		fuzzRound(t, copied, seed, wanted)
		if t.Failed() {
			t.Fatalf("seed %d (%s)", seed, fuzzSeedVariable)
		}
	}
}

func TestFuzzCallsAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestFuzzCalls$") }

// A round ends after as many calls as wanted, or at a busy machine after a while,
// if the fuzzer has come to anything by then.
const (
	roundTimeout = time.Minute
	fewest       = 50
)

// repair lets the folders of the agent's own be looked into again, whatever mode
// it gave them.
func repair(folder string) {
	_ = os.Chmod(folder, 0o700)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "secret" && entry.Name() != "hidden" {
			repair(filepath.Join(folder, entry.Name()))
		}
	}
}

func fuzzRound(t *testing.T, program string, seed uint64, wanted int64) {
	t.Helper()
	w := newWorld(t, program)
	w.write(".openclaw/config.yaml", secret)
	no, yes := false, true
	if seed/1_000_000%2 == 0 {
		w.perms.NetworkAccess, w.perms.Network = &yes, &policy.Network{AllowOutbound: &yes}
	} else {
		w.perms.NetworkAccess = &no
	}
	w.write(callsFile, "\x00\x00\x00\x00\x00\x00\x00\x00")
	calls := counter(w.path(callsFile))
	c := newCanaries(t, w)
	w.hint = fmt.Sprintf("%d %d %d", seed, c.tcp, c.udp)
	before := c.look(t)
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)

	var denials atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), roundTimeout)
	defer cancel()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	input, err := os.Open(w.path("other/notes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = input.Close() }()
	cage, err := sandbox.New(ctx)
	if err != nil {
		t.Fatal(err)
	}
	process, err := cage.Start(ctx, sandbox.Spec{
		Agent: "coder", Run: "fuzz", Policy: w.policy(), Command: []string{w.path("shared/attempt")}, Env: w.environment(fuzzName, true), Dir: w.path("project"),
		Stdin: input, Stdout: null, Stderr: null, Denied: func(d sandbox.Denial) { denials.Add(int64(d.Count)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := process.Wait(); ended <- err }()
	finished := false
	for !finished && calls.Load() < wanted && ctx.Err() == nil {
		select {
		case err := <-ended: // the fuzzer killed everything in its cage
			finished = true
			if err != nil {
				t.Errorf("the cage ended itself: %v", err)
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if !finished {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the cage ended itself: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the run did not end when it was told to")
		}
	}
	if !finished && calls.Load() < fewest {
		t.Errorf("only %d calls in %v", calls.Load(), roundTimeout)
	}
	repair(w.path("project"))
	after := c.look(t)
	for name, was := range before {
		if is := after[name]; is != was {
			t.Errorf("%s\nwas %s\nis  %s", name, was, is)
		}
	}
	for name := range after {
		if _, was := before[name]; !was {
			t.Errorf("%s has come", name)
		}
	}
	if n := c.visits.Load(); n != 0 {
		t.Errorf("%d visits to services of the host", n)
	}
	_, _ = null.Close(), input.Close()
	settled(t, goroutines, descriptors)
	t.Logf("seed %d: %d calls, %d refusals", seed, calls.Load(), denials.Load())
}

// settled waits for goroutines and descriptors to be as many as they were.
func settled(t *testing.T, goroutines, descriptors int) {
	t.Helper()
	for range 6000 { // a minute
		if runtime.NumGoroutine() <= goroutines && openDescriptors(t) <= descriptors {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines %d→%d, descriptors %d→%d", goroutines, runtime.NumGoroutine(), descriptors, openDescriptors(t))
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range names {
		if target, err := os.Readlink(name); err == nil {
			t.Logf("%s is %s", name, target)
		}
	}
}

// openDescriptors counts what this program has open, but for pipes and the null
// device: go-fuse keeps
// a pool of the ones, and the other, for good.
func openDescriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, name := range names {
		if target, err := os.Readlink(name); err == nil && target != os.DevNull && !strings.HasPrefix(target, "pipe:") {
			count++
		}
	}
	return count
}

// canaries are what must not change.
type canaries struct {
	w        *world
	process  int
	memory   int
	tcp, udp int
	visits   atomic.Int64
	clock    time.Time
}

func newCanaries(t *testing.T, w *world) *canaries {
	t.Helper()
	c := &canaries{w: w, clock: time.Now()}
	victim(w)
	c.process = w.pid()
	var err error
	if c.memory, err = unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(c.memory, unix.IPC_RMID, nil) })
	count := func(listener net.Listener) {
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				c.visits.Add(1)
				_ = conn.Close()
			}
		}()
	}
	count(listenAt(w, w.path("other/s")))
	count(listenAt(w, "@openclaw-fuzz-"+w.home))
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count(tcp)
	c.tcp = portOf(tcp.Addr().String())
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	go func() {
		for {
			if _, _, err := udp.ReadFrom(make([]byte, 64)); err != nil {
				return
			}
			c.visits.Add(1)
		}
	}()
	c.udp = portOf(udp.LocalAddr().String())
	return c
}

// look describes everything that must stay as it is, by its name.
func (c *canaries) look(t *testing.T) map[string]string {
	t.Helper()
	seen := map[string]string{}
	err := filepath.WalkDir(c.w.home, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(strings.TrimPrefix(name, c.w.home), "/")
		own := relative == "project" || strings.HasPrefix(relative, "project/")
		kept := strings.HasPrefix(relative, "project/secret/") || relative == "project/.env" || strings.HasPrefix(relative, "project/deep/er/hidden/")
		if own && !kept || relative == ".openclaw/agents" || strings.HasPrefix(relative, ".openclaw/agents") || relative == ".openclaw" {
			return nil
		}
		seen[relative] = describe(name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"kernel/hostname", "kernel/domainname", "kernel/core_pattern", "kernel/modprobe", "kernel/printk", "kernel/panic", "kernel/sysrq", "kernel/randomize_va_space",
		"kernel/kptr_restrict", "kernel/dmesg_restrict", "net/ipv4/ip_forward", "vm/overcommit_memory", "vm/swappiness", "fs/suid_dumpable", "kernel/ns_last_pid_none",
	} {
		text, _ := os.ReadFile("/proc/sys/" + name)
		seen["sysctl "+name] = string(text)
	}
	mounts, err := mounttest.Table(c.w.home)
	if err != nil {
		t.Fatal(err)
	}
	seen["mounts"] = strings.Join(mounts, "\n")
	seen["process"] = c.describeProcess()
	seen["shared memory"] = c.describeMemory()
	if _, wall := time.Now(), time.Now().Round(0); wall.Sub(c.clock.Round(0))-time.Since(c.clock) > time.Minute {
		seen["clock"] = "moved"
	}
	swaps, _ := os.ReadFile("/proc/swaps")
	seen["swap"] = strconv.Itoa(strings.Count(string(swaps), "\n"))
	return seen
}

func (c *canaries) describeMemory() string {
	data, err := unix.SysvShmAttach(c.memory, 0, unix.SHM_RDONLY)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = unix.SysvShmDetach(data) }()
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// describeProcess is what could be done to another's process.
func (c *canaries) describeProcess() string {
	var parts []string
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, c.process)
	parts = append(parts, fmt.Sprint("nice ", nice, err))
	disk, err := diskPriority(c.process)
	parts = append(parts, fmt.Sprint("disk ", disk, err))
	var processors unix.CPUSet
	err = unix.SchedGetaffinity(c.process, &processors)
	parts = append(parts, fmt.Sprint("processors ", processors.Count(), err))
	for _, name := range []string{"limits", "oom_score_adj", "comm", "cgroup"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.process, name))
		parts = append(parts, fmt.Sprint(string(text), err))
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process))
	parts = append(parts, fmt.Sprint(err))
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "State:\tT") || strings.HasPrefix(line, "State:\tt") || strings.HasPrefix(line, "TracerPid:") {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " ")
}

// describe is everything about a file that a call could change.
func describe(name string) string {
	var stat unix.Stat_t
	if err := unix.Lstat(name, &stat); err != nil {
		return err.Error()
	}
	out := fmt.Sprintf("%o %d:%d %d bytes, %d names, inode %d, changed %d.%d", stat.Mode, stat.Uid, stat.Gid, stat.Size, stat.Nlink, stat.Ino, stat.Mtim.Sec, stat.Mtim.Nsec)
	list := make([]byte, 1024)
	if n, err := unix.Llistxattr(name, list); err == nil {
		out += " " + strconv.Quote(string(list[:n]))
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || strings.HasSuffix(name, "/attempt") {
		return out
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return out + err.Error()
	}
	sum := sha256.Sum256(text)
	out += " " + hex.EncodeToString(sum[:8])
	if fd, err := open(name, unix.O_RDONLY); err == nil {
		var flags, version uint64
		_ = ioctl(fd, ioctlGetFlags, unsafe.Pointer(&flags))
		_ = ioctl(fd, ioctlGetVersion, unsafe.Pointer(&version))
		_ = unix.Close(fd)
		out += fmt.Sprintf(" flags %#x version %d", flags, version)
	}
	return out
}
