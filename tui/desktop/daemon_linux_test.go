package desktop

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// startDaemon runs a notification daemon that people have, dunst, on a display of
// the test's own.
func startDaemon(t *testing.T, address string) {
	t.Helper()
	for _, program := range []string{"Xvfb", "dunst"} {
		_, err := exec.LookPath(program)
		need(t, err == nil, program+" is not installed")
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	home := t.TempDir()
	display := ""
	run := func(out *os.File, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_RUNTIME_DIR="+home, "DBUS_SESSION_BUS_ADDRESS="+address, "DISPLAY="+display, "WAYLAND_DISPLAY=")
		if out != nil {
			cmd.ExtraFiles = []*os.File{out}
		}
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s said %s", name, &said)
			}
		})
	}
	run(tell, "Xvfb", "-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp")
	_ = tell.Close()
	_ = ready.SetReadDeadline(time.Now().Add(60 * time.Second))
	number, err := bufio.NewReader(ready).ReadString('\n')
	if err != nil {
		t.Fatal("no display: ", err)
	}
	display = ":" + strings.TrimSpace(number)
	config := filepath.Join(home, "dunstrc")
	if err := os.WriteFile(config, []byte("[global]\nmarkup = full\nidle_threshold = 0\n[urgency_normal]\ntimeout = 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(nil, "dunst", "-config", config)
}

// A daemon as people have it shows what it is told, one notification, its text as
// it was given, and takes it away.
func TestARealDesktopShowsAndWithdraws(t *testing.T) {
	t.Parallel()
	address, _ := startBus(t)
	startDaemon(t, address)
	bus, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Close() }()
	daemon := bus.Object(service, object)
	// until waits for the number of notifications that are in sight.
	until := func(want uint32) {
		t.Helper()
		var got any
		var err error
		for range 1200 { // a minute
			var shown dbus.Variant
			shown, err = daemon.GetProperty("org.dunstproject.cmd0.displayedLength")
			if got = shown.Value(); err == nil && got == want {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%v in sight, want %d: %v", got, want, err)
	}
	until(0)
	n := &Notifier{address: address}
	defer n.Close()
	const body = "openclaw holds 2 requests; <b>x</b> & <a href='y'>y</a>"
	if err := n.Tell(within(t), "coder asks", "the first"); err != nil {
		t.Fatal(err)
	}
	until(1)
	if err := n.Tell(within(t), "coder asks", body); err != nil {
		t.Fatal(err)
	}
	until(1)
	if err := n.Withdraw(within(t)); err != nil {
		t.Fatal(err)
	}
	until(0)
	var kept []map[string]dbus.Variant
	if err := daemon.CallWithContext(within(t), "org.dunstproject.cmd0.NotificationListHistory", 0).Store(&kept); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || kept[0]["appname"].Value() != "openclaw" || kept[0]["summary"].Value() != "coder asks" || kept[0]["body"].Value() != plain(body) {
		t.Errorf("it kept %v", kept)
	}
}
