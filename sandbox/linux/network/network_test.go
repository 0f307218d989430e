//go:build linux

package network

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

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

// children are the roles: each runs inside a fresh user and net namespace.
func children() map[string]func() error {
	gateway := netip.MustParseAddrPort("127.0.0.1:18789")
	verified := func(o Options) func() error {
		return func() error {
			sockets, err := Setup(o)
			if err != nil {
				return err
			}
			defer sockets.Close()
			return sockets.Verify(o)
		}
	}
	return map[string]func() error{
		"probe":           Probe,
		"outbound":        verified(Options{Gateway: gateway, Outbound: true}),
		"no gateway":      verified(Options{Outbound: true}),
		"inbound only":    verified(Options{Gateway: gateway}),
		"closed":          verified(Options{}),
		"low port":        verified(Options{Gateway: netip.MustParseAddrPort("127.0.0.1:80"), Outbound: true}),
		"other loopback":  verified(Options{Gateway: netip.MustParseAddrPort("127.8.9.10:4000"), Outbound: true}),
		"forward":         forwards,
		"own loopback":    ownLoopback,
		"own address":     ownAddress,
		"icmp and raw":    otherProtocols,
		"fast open":       fastOpen,
		"files":           overFiles,
		"IPv6":            redirects6,
		"broken redirect": brokenRedirect,
	}
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
			if err := runInNamespace(role); err != nil {
				t.Error(err)
			}
		})
		t.Run(role+" as ordinary user", func(t *testing.T) {
			if os.Getuid() != 0 {
				t.Skip("the test above ran as an ordinary user already")
			}
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

func errnoIs(err error, want unix.Errno) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("want %w, got %w", want, err)
}
