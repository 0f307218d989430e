//go:build linux

package keyringtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Session is the state of the bus that a test meets.
type Session string

// The sessions. NoBus has no bus and no address. BusOnly has a bus without
// services to start. Empty has a keyring daemon and no keyring yet, Locked one
// whose keyring nobody unlocked, Unlocked one that is ready. Asking is unlocked
// and asks a person before it gives an item out or deletes one, as KeePassXC does
// unless it is told otherwise; nobody is there to answer.
const (
	NoBus    Session = "no-bus"
	BusOnly  Session = "bus-only"
	Empty    Session = "empty"
	Locked   Session = "locked"
	Unlocked Session = "unlocked"
	Asking   Session = "asking"
)

// Service is a program that is the Secret Service.
type service string

const (
	gnomeKeyring service = "gnome-keyring"
	keePassXC    service = "keepassxc"
)

// Passphrase of the login keyring in Locked and Unlocked.
const Passphrase = "correct horse"

const (
	environment = "OPENCLAW_KEYRINGTEST"
	serviceName = "OPENCLAW_KEYRINGTEST_SERVICE"
	ordinary    = 65534           // nobody
	patience    = 2 * time.Minute // for a machine that is busy with other tests
	folderMode  = 0o700
)

const busOnly = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// Started with the session as $1 and the test's command after it.
const script = `
session=$1; shift
printf %s "$KEYRING_PASSPHRASE" >"$HOME/passphrase"
ring="$HOME/.local/share/keyrings/login.keyring"
unlocked() {
  gnome-keyring-daemon --foreground --components=secrets --unlock <"$HOME/passphrase" >/dev/null 2>&1 & daemon=$!
  n=0; until [ -s "$ring" ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 97; sleep 0.05; done
}
locked() { gnome-keyring-daemon --foreground --components=secrets >/dev/null 2>&1 & daemon=$!; }
case $session in
unlocked) unlocked ;;
locked) unlocked; kill -KILL $daemon; wait $daemon 2>/dev/null; locked ;;
empty) locked ;;
esac
"$@"; status=$?
kill -KILL $daemon 2>/dev/null
exit $status
`

// Inside reports whether the test runs in the given session. In the process
// that `go test` started it does not: Inside then runs the same test in a new
// process of this binary in such a session, as the user who runs the tests
// and, when that is root, as an ordinary user too, and returns false when that
// is over. The test must call nothing before it and must return at false.
func Inside(t *testing.T, session Session) bool {
	t.Helper()
	return inside(t, session, gnomeKeyring)
}

// InsideEach is Inside with gnome-keyring and then, where OPENCLAW_TEST_KEEPASSXC is 1,
// as the user who runs the tests with KeePassXC. That is asked for, as CI does: a desktop's
// program that not everybody has.
func InsideEach(t *testing.T, session Session) bool {
	t.Helper()
	return inside(t, session, gnomeKeyring, keePassXC)
}

// InsideKeePassXC is Inside with KeePassXC alone.
func InsideKeePassXC(t *testing.T, session Session) bool {
	t.Helper()
	if !keePassXCAsked() {
		t.Skip("KeePassXC is run where OPENCLAW_TEST_KEEPASSXC is 1")
	}
	return inside(t, session, keePassXC)
}

func inside(t *testing.T, session Session, services ...service) bool {
	t.Helper()
	if os.Getenv(environment) == t.Name() {
		await(t, session)
		return true
	}
	t.Parallel()
	if session != NoBus {
		need(t, "dbus-run-session")
	}
	name := t.Name()
	if slices.Contains(services, gnomeKeyring) {
		t.Run("as this user", func(t *testing.T) { reexecute(t, name, session, gnomeKeyring, os.Getuid()) })
		if os.Getuid() == 0 {
			t.Run("as an ordinary user", func(t *testing.T) { reexecute(t, name, session, gnomeKeyring, ordinary) })
		}
	}
	if slices.Contains(services, keePassXC) && keePassXCAsked() {
		t.Run("with KeePassXC", func(t *testing.T) { reexecute(t, name, session, keePassXC, os.Getuid()) })
	}
	return false
}

func keePassXCAsked() bool { return os.Getenv("OPENCLAW_TEST_KEEPASSXC") == "1" }

// WithKeePassXC reports whether KeePassXC is the session's service.
func WithKeePassXC() bool { return os.Getenv(serviceName) == string(keePassXC) }

// Skip skips the test, or fails it where every test is required.
func Skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required and not possible here: " + reason)
	}
	t.Skip(reason)
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		Skip(t, program+" is not installed")
	}
}

func reexecute(t *testing.T, name string, session Session, by service, uid int) {
	t.Helper()
	for range crashAttempts {
		output, err := attempt(t, name, session, by, uid)
		exit, failed := errors.AsType[*exec.ExitError](err)
		switch {
		case failed && by == keePassXC && exit.ExitCode() == crashed:
			t.Logf("KeePassXC crashed, once more:\n%s", output)
			continue
		case err != nil:
			t.Fatalf("%v\n%s", err, output)
		case strings.Contains(output, "--- SKIP"):
			Skip(t, output)
		case !strings.Contains(output, "--- PASS: "+name):
			t.Fatalf("the test did not run:\n%s", output)
		}
		return
	}
	t.Fatalf("KeePassXC crashed %d times", crashAttempts)
}

func attempt(t *testing.T, name string, session Session, by service, uid int) (string, error) {
	t.Helper()
	started := session != NoBus && session != BusOnly
	switch {
	case started && by == keePassXC:
		need(t, "keepassxc")
		need(t, "keepassxc-cli")
	case started:
		need(t, "gnome-keyring-daemon")
	}
	folder, err := os.MkdirTemp("", "keyring") //nolint:usetesting // the parents of t.TempDir are closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	binary := filepath.Join(folder, "test")
	copyFile(t, os.Args[0], binary)
	config := filepath.Join(folder, "bus.conf")
	if err := os.WriteFile(config, []byte(busOnly), 0o644); err != nil {
		t.Fatal(err)
	}
	home, runtime := filepath.Join(folder, "home"), filepath.Join(folder, "run")
	for _, dir := range []string{home, runtime} {
		if err := os.Mkdir(dir, folderMode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // another user starts the binary in it
		t.Fatal(err)
	}

	test := []string{binary, "-test.run=^" + name + "$", "-test.v"}
	argv := test
	switch session {
	case NoBus:
	case BusOnly:
		argv = append([]string{"dbus-run-session", "--config-file=" + config, "--"}, test...)
	case Empty, Locked, Unlocked, Asking:
		argv = append([]string{"dbus-run-session", "--", "sh", "-c", script, "sh", string(session)}, test...)
		if by == keePassXC { // on a bus that starts no other service
			keePassXCFiles(t, home, session, uid)
			argv = append([]string{"dbus-run-session", "--config-file=" + config, "--", "sh", "-c", kdbxScript, "sh", string(session)}, test...)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = home
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + runtime, "TMPDIR=" + home,
		environment + "=" + name, "OPENCLAW_TEST_KEEPASSXC=" + os.Getenv("OPENCLAW_TEST_KEEPASSXC"), serviceName + "=" + string(by), "QT_QPA_PLATFORM=offscreen", "GORACE=atexit_sleep_ms=0", "KEYRING_PASSPHRASE=" + Passphrase, "OPENCLAW_TEST_REQUIRE=" + os.Getenv("OPENCLAW_TEST_REQUIRE"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if uid != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	output, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whatever of the group is left
	}
	return string(output), err
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	// Not with a descriptor of this process: a child that another test starts
	// meanwhile would hold it for a moment, and a file that somebody may write
	// cannot be executed.
	if said, err := exec.CommandContext(t.Context(), "install", "-m", "0755", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy the test's binary: %v\n%s", err, said)
	}
}
