//go:build linux

package keyringtest

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names on the bus.
const (
	Service    = "org.freedesktop.secrets"
	Object     = dbus.ObjectPath("/org/freedesktop/secrets")
	Collection = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

// await returns when the session is as promised.
func await(t *testing.T, session Session) {
	t.Helper()
	if session == NoBus || session == BusOnly {
		return
	}
	bus := Bus(t)
	for range 2400 { // a minute
		var owned bool
		if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, Service).Store(&owned); err != nil {
			t.Fatal(err)
		}
		if owned && (session == Empty || isLocked(bus, session == Locked)) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("no keyring daemon came up")
}

// isLocked reports whether the daemon has loaded its keyring, which it does after
// it has taken its name on the bus, and is in that state.
func isLocked(bus *dbus.Conn, want bool) bool {
	locked, err := bus.Object(Service, collection()).GetProperty("org.freedesktop.Secret.Collection.Locked")
	return err == nil && locked.Value() == want
}

func collection() dbus.ObjectPath {
	if WithKeePassXC() {
		return "/org/freedesktop/secrets/collection/passwords" // the database's file
	}
	return Collection
}

// Bus returns a connection to the session's bus, closed at the test's end.
func Bus(t *testing.T) *dbus.Conn {
	t.Helper()
	bus, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus
}

// Lock locks the login keyring.
func Lock(t *testing.T) {
	t.Helper()
	if WithKeePassXC() {
		mainWindow(t, "lockAllDatabases")
		awaitLocked(t, true)
		return
	}
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := Bus(t).Object(Service, Object).
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{Collection}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		t.Fatalf("lock: %v %v", locked, err)
	}
}

// Unlock unlocks the login keyring as the login of the desktop does.
func Unlock(t *testing.T) {
	t.Helper()
	if WithKeePassXC() {
		UnlockWith(t, Passphrase)
		awaitLocked(t, false)
		return
	}
	UnlockWith(t, Passphrase)
}

// UnlockWith tries any passphrase.
func UnlockWith(t *testing.T, passphrase string) {
	t.Helper()
	if WithKeePassXC() {
		mainWindow(t, "openDatabase", database(os.Getenv("HOME")), passphrase, "")
		return
	}
	bus := Bus(t)
	service, session := bus.Object(Service, Object), openSession(t, bus)
	call := service.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0,
		Collection, secret{session, []byte{}, []byte(passphrase), "text/plain"})
	if call.Err != nil && passphrase == Passphrase {
		t.Fatal(call.Err)
	}
}

type secret struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

func openSession(t *testing.T, bus *dbus.Conn) (session dbus.ObjectPath) {
	t.Helper()
	var none dbus.Variant
	err := bus.Object(Service, Object).Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// Store stores an item as another program does, which goes on until the test's end.
func Store(t *testing.T, service, account, value string) {
	t.Helper()
	bus := Bus(t)
	completed := make(chan *dbus.Signal, 16)
	bus.Signal(completed)
	if err := bus.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.Secret.Prompt")); err != nil {
		t.Fatal(err)
	}
	var item, prompt dbus.ObjectPath
	err := bus.Object(Service, collection()).Call("org.freedesktop.Secret.Collection.CreateItem", 0, map[string]dbus.Variant{
		"org.freedesktop.Secret.Item.Label":      dbus.MakeVariant(account),
		"org.freedesktop.Secret.Item.Attributes": dbus.MakeVariant(map[string]string{"service": service, "username": account}),
	}, secret{openSession(t, bus), []byte{}, []byte(value), "text/plain"}, true).Store(&item, &prompt)
	if err != nil {
		t.Fatal(err)
	}
	if prompt == "/" {
		return
	}
	if err := bus.Object(Service, prompt).Call("org.freedesktop.Secret.Prompt.Prompt", 0, "").Err; err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case signal := <-completed:
			if signal.Path == prompt {
				return
			}
		case <-time.After(patience):
			t.Fatal("the item was not stored")
		}
	}
}

// Stop kills the keyring daemon, as a crash does.
func Stop(t *testing.T) {
	t.Helper()
	_ = syscall.Kill(daemon(t), syscall.SIGKILL)
}

// Hang stops the keyring daemon from answering, until the returned function.
func Hang(t *testing.T) (goOn func()) {
	t.Helper()
	pid := daemon(t)
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	return func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
}

func daemon(t *testing.T) int {
	t.Helper()
	var pid uint32
	if err := Bus(t).BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, Service).Store(&pid); err != nil {
		t.Fatal(err)
	}
	return int(pid)
}
