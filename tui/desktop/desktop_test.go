package desktop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// need skips a test where the machine lacks something, unless everything is
// required to be there.
func need(t *testing.T, ok bool, reason string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

const busOnly = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// startBus runs a session bus of the test's own and returns its address and what
// ends it.
func startBus(t *testing.T) (address string, end func()) {
	t.Helper()
	_, err := exec.LookPath("dbus-daemon")
	need(t, err == nil, "dbus-daemon is not installed")
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte(busOnly), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--print-address=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end = func() { once.Do(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) }
	t.Cleanup(end)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), end
}

// standIn stands in for a desktop's notification service: it notes what it is told.
type standIn struct {
	mu     sync.Mutex
	told   []string
	closed []uint32
	hang   chan struct{} // not nil: it answers when this is closed
}

func (s *standIn) Notify(app string, replaces uint32, _, title, body string, actions []string, hints map[string]dbus.Variant, expire int32) (uint32, *dbus.Error) {
	if s.hang != nil {
		<-s.hang
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprint(app, "|", replaces, "|", title, "|", body, "|", len(actions), "|", hints["urgency"].Value(), "|", expire))
	return 7, nil
}

func (s *standIn) CloseNotification(id uint32) *dbus.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, id)
	if len(s.closed) > 1 {
		return dbus.NewError("org.freedesktop.Notifications.Error.NotFound", nil) // as when it is gone already
	}
	return nil
}

// seen is what it was told, and what it closed.
func (s *standIn) seen() (told, closed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.told), fmt.Sprint(s.closed)
}

func (s *standIn) serve(t *testing.T, address string) {
	t.Helper()
	bus, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	if err := bus.Export(s, object, service); err != nil {
		t.Fatal(err)
	}
	if reply, err := bus.RequestName(service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestOneNotificationWithoutButtons(t *testing.T) {
	address, _ := startBus(t)
	s := &standIn{}
	s.serve(t, address)
	n := &Notifier{address: address}
	defer n.Close()
	ctx := within(t)
	for _, text := range []string{"one", "<b>two</b> & <a href='x'>three</a>"} {
		if err := n.Tell(ctx, "coder asks", text); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"openclaw|0|coder asks|one|0|1|-1",
		"openclaw|7|coder asks|&lt;b&gt;two&lt;/b&gt; &amp; &lt;a href='x'&gt;three&lt;/a&gt;|0|1|-1",
	}
	if told, _ := s.seen(); told != fmt.Sprint(want) {
		t.Errorf("told %q", told)
	}
	for range 2 {
		if err := n.Withdraw(ctx); err != nil {
			t.Error(err)
		}
	}
	if _, closed := s.seen(); closed != "[7]" {
		t.Errorf("closed %v", closed)
	}
	if err := n.Tell(ctx, "again", ""); err != nil {
		t.Fatal(err)
	}
	if err := n.Withdraw(ctx); err != nil {
		t.Errorf("one that the desktop took away is an error: %v", err)
	}
}

func TestWhereNoDesktopIs(t *testing.T) {
	address, end := startBus(t)
	dead := &Notifier{address: "unix:path=" + filepath.Join(t.TempDir(), "no")}
	for name, n := range map[string]*Notifier{"no bus": {}, "a bus without a service": {address: address}, "no socket": dead, "not an address": {address: "nonsense"}} {
		if err := n.Tell(within(t), "x", "y"); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
		if err := n.Withdraw(within(t)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n.Close()
	}
	s := &standIn{}
	s.serve(t, address)
	n := &Notifier{address: address}
	if err := n.Tell(within(t), "x", "y"); err != nil {
		t.Fatal(err)
	}
	end()
	if err := n.Tell(within(t), "x", "y"); err == nil {
		t.Error("it reaches a bus that is gone")
	}
	n.Close()
}

// A desktop that does not answer, and a bus that does not, hold nobody up.
func TestADesktopThatHangs(t *testing.T) {
	address, _ := startBus(t)
	s := &standIn{hang: make(chan struct{})}
	s.serve(t, address)
	mute, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for _, n := range []*Notifier{{address: address}, {address: "unix:path=" + mute.Addr().String()}} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := n.Tell(ctx, "x", "y"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
		n.Close()
	}
	close(s.hang)
}

func TestWhichBusIsAsked(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, c := range []struct{ variable, socket, want string }{
		{"unix:path=/x", socket, "unix:path=/x"},
		{"", socket, "unix:path=" + socket},
		{"", filepath.Join(t.TempDir(), "no"), ""},
		{"", os.Args[0], ""}, // a file, not a socket
		{"autolaunch:", socket, ""},
	} {
		got := address(func(name string) string {
			if name == "DBUS_SESSION_BUS_ADDRESS" {
				return c.variable
			}
			return ""
		}, c.socket)
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
