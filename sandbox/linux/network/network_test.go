//go:build linux

package network

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// roleVariable tells a re-executed test binary what to be.
const roleVariable = "OPENCLAW_NETWORK_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	var err error
	if nested, ok := strings.CutPrefix(role, "ordinary user:"); ok {
		err = runInNamespace(nested)
	} else if role == "time" {
		err = startTime()
	} else {
		err = children()[role]()
	}
	if err != nil {
		if typed, ok := errors.AsType[*Error](err); ok {
			fmt.Fprintf(os.Stderr, "kind %d, hint %q\n", typed.Kind, typed.Hint)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// children are the roles: each runs inside a fresh user and net namespace, once
// for each way, where it has one.
func children() map[string]func() error {
	gateway := netip.MustParseAddrPort("127.0.0.1:18789")
	verified := func(o Options) func() error {
		return func() error {
			sockets, err := Setup(o)
			if err != nil {
				return err
			}
			defer sockets.Close()
			if sockets.Way != o.Way {
				return fmt.Errorf("the way is %q instead of %q", sockets.Way, o.Way)
			}
			return sockets.Verify(o)
		}
	}
	all := map[string]func() error{
		"inbound only":        verified(Options{Gateway: gateway}),
		"closed":              verified(Options{}),
		"broken redirect":     brokenRedirect,
		"broken device":       brokenDevice,
		"no nf_tables":        withoutTables,
		"nf_tables there":     withTables,
		"neither way":         neitherWay,
		"device ends at once": deviceEnds,
	}
	for _, way := range []Way{WayRedirect, WayTUN} {
		for name, role := range map[string]func() error{
			"probe":           func() error { return Probe(way) },
			"outbound":        verified(Options{Gateway: gateway, Outbound: true, Way: way}),
			"no gateway":      verified(Options{Outbound: true, Way: way}),
			"low port":        verified(Options{Gateway: netip.MustParseAddrPort("127.0.0.1:80"), Outbound: true, Way: way}),
			"other loopback":  verified(Options{Gateway: netip.MustParseAddrPort("127.8.9.10:4000"), Outbound: true, Way: way}),
			"forward":         func() error { return forwards(way) },
			"own loopback":    func() error { return ownLoopback(way) },
			"own address":     func() error { return ownAddress(way) },
			"icmp and raw":    func() error { return otherProtocols(way) },
			"fast open":       func() error { return fastOpen(way) },
			"files":           func() error { return overFiles(way) },
			"IPv6":            func() error { return redirects6(way) },
			"bound to device": func() error { return boundToDevice(way) },
			"few ports":       func() error { return fewPorts(way) },
		} {
			all[string(way)+": "+name] = role
		}
	}
	return all
}

func runInNamespace(role string) error { return namespaced(role).Run() }

func namespaced(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	return cmd
}

func runOrdinary(role string) error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=ordinary user:" + role, "GORACE=atexit_sleep_ms=0"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534},
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd.Run()
}

// requireNamespaces skips where this machine gives an ordinary user no net
// namespace of its own.
func requireNamespaces(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
	}
	if err := cmd.Run(); err != nil {
		reason := "no user and net namespace on this machine: " + err.Error()
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
}

// Every promise of Setup holds in a real namespace, for root and for an
// ordinary user.
func TestInNamespace(t *testing.T) {
	requireNamespaces(t)
	for role := range children() {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			if err := runInNamespace(role); err != nil {
				t.Error(err)
			}
		})
		t.Run(role+" as ordinary user", func(t *testing.T) {
			if os.Getuid() != 0 {
				t.Skip("the test above ran as an ordinary user already")
			}
			t.Parallel()
			if err := runOrdinary(role); err != nil {
				t.Error(err)
			}
		})
	}
}

// A gateway address that a cage cannot have is an error with a cure, not a
// cage without an endpoint.
func TestSetupRefusesAddresses(t *testing.T) {
	for name, o := range map[string]Options{
		"not loopback":    {Gateway: netip.MustParseAddrPort("192.0.2.1:18789")},
		"IPv6 loopback":   {Gateway: netip.MustParseAddrPort("[::1]:18789")},
		"port 53":         {Gateway: netip.MustParseAddrPort("127.0.0.1:53")},
		"no port":         {Gateway: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0)},
		"forward outside": {Forward: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:5432")}},
	} {
		t.Run(name, func(t *testing.T) {
			var typed *Error
			if _, err := Setup(o); !errors.As(err, &typed) {
				t.Fatalf("got %v, want an *Error", err)
			}
		})
	}
}

func TestFromFilesCountsDescriptors(t *testing.T) {
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromFiles([]*os.File{file}, Options{Outbound: true}); err == nil {
		t.Fatal("one descriptor was taken for three sockets")
	}
	if err := file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error("the descriptor was left open")
	}
}

// startTime prints what Setup and Verify take, in microseconds.
func startTime() error {
	o := Options{Gateway: netip.MustParseAddrPort("127.0.0.1:18789"), Outbound: true}
	began := time.Now()
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	built := time.Now()
	if err := sockets.Verify(o); err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, built.Sub(began).Microseconds(), time.Since(built).Microseconds())
	return err
}

// BenchmarkSetup measures the set-up of one namespace, with the process around
// it and without.
func BenchmarkSetup(b *testing.B) {
	var setup, verify int64
	for b.Loop() {
		var out bytes.Buffer
		cmd := namespaced("time")
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		var one, two int64
		if _, err := fmt.Sscan(out.String(), &one, &two); err != nil {
			b.Fatal(err)
		}
		setup, verify = setup+one, verify+two
	}
	b.ReportMetric(float64(setup)/float64(b.N), "µs/setup")
	b.ReportMetric(float64(verify)/float64(b.N), "µs/verify")
}

func brokenRedirect() error {
	o := Options{Outbound: true}
	sockets, err := Setup(Options{})
	if err != nil {
		return err
	}
	defer sockets.Close()
	if sockets.TCP, err = listenEverywhere(); err != nil {
		return err
	}
	var typed *Error
	if err := sockets.Verify(o); !errors.As(err, &typed) || typed.Kind != KindUnproven {
		return fmt.Errorf("a namespace without rules was taken for a redirect: %w", err)
	}
	return nil
}

func brokenDevice() error {
	o := Options{Outbound: true, Way: WayTUN}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	link, err := netlink.LinkByName(deviceName)
	if err == nil {
		err = netlink.LinkSetDown(link)
	}
	if err != nil {
		return err
	}
	var typed *Error
	if err := sockets.Verify(o); !errors.As(err, &typed) || typed.Kind != KindUnproven {
		return fmt.Errorf("a namespace without a way was taken for one with a device: %w", err)
	}
	return nil
}

// withoutTables: where the kernel has no nf_tables, which a filter plays here,
// the device is taken, and the reason told.
func withoutTables() error {
	if err := refuseSockets(unix.AF_NETLINK, unix.NETLINK_NETFILTER, unix.EPROTONOSUPPORT); err != nil {
		return err
	}
	o := Options{Outbound: true}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	if sockets.Way != WayTUN || !strings.Contains(sockets.Reason, "redirect rules") {
		return fmt.Errorf("the way is %q because of %q", sockets.Way, sockets.Reason)
	}
	if err := sockets.Verify(o); err != nil {
		return err
	}
	var typed *Error
	if _, err := Setup(Options{Outbound: true, Way: WayRedirect}); !errors.As(err, &typed) || typed.Kind != KindMissing {
		return fmt.Errorf("a redirect was made without nf_tables: %w", err)
	}
	return nil
}

func withTables() error {
	sockets, err := Setup(Options{Outbound: true})
	if err != nil {
		return err
	}
	defer sockets.Close()
	if sockets.Way != WayRedirect || sockets.TUN != nil || sockets.Reason != "" {
		return fmt.Errorf("the way is %q", sockets.Way)
	}
	return nil
}

// neitherWay: without both there is no network, and the error names both cures.
func neitherWay() error {
	if err := refuseSockets(unix.AF_NETLINK, unix.NETLINK_NETFILTER, unix.EPROTONOSUPPORT); err != nil {
		return err
	}
	if err := refuseTUN(); err != nil {
		return err
	}
	var typed *Error
	_, err := Setup(Options{Outbound: true})
	if !errors.As(err, &typed) || typed.Kind != KindMissing {
		return fmt.Errorf("want a missing part, got %w", err)
	}
	for _, cure := range []string{"nf_tables", "/dev/net/tun"} {
		if !strings.Contains(typed.Hint, cure) {
			return fmt.Errorf("no word of %s in %q", cure, typed.Hint)
		}
	}
	return nil
}

// deviceEnds: the last close of the device does not wait for the kernel to take
// it apart, which the namespace's end does.
func deviceEnds() error {
	sockets, err := Setup(Options{Outbound: true, Way: WayTUN})
	if err != nil {
		return err
	}
	sockets.Close()
	if _, err := netlink.LinkByName(deviceName); err != nil {
		return fmt.Errorf("the close took the device apart: %w", err)
	}
	return nil
}

// refuseSockets makes one kind of socket impossible for this process.
func refuseSockets(domain, protocol int, errno unix.Errno) error {
	return filter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 5},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16}, // its first argument
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(domain), Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 32}, // its third
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(protocol), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})
}

// refuseTUN makes the request impossible that makes a device.
func refuseTUN() error {
	return filter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_IOCTL, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 24}, // its second argument
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.TUNSETIFF, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENODEV)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})
}

func filter(program []unix.SockFilter) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	const every = unix.SECCOMP_FILTER_FLAG_TSYNC
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, every, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return errno
	}
	return nil
}

func errnoIs(err error, want unix.Errno) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("want %w, got %w", want, err)
}
