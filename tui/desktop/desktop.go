// Package desktop tells the person's desktop that something waits for them: the
// notification service of the D-Bus session bus (Desktop Notifications
// Specification 1.2, org.freedesktop.Notifications).
//
// It owns one connection and one notification, which a later one takes the place
// of. It never offers a button, so that nothing can be answered from there, and it
// starts no bus: where DBUS_SESSION_BUS_ADDRESS and /run/user/UID/bus name none,
// nothing is offered. Text goes out as it is given,
// with the markup of that specification made plain.
//
// A Notifier is safe for concurrent use. Its calls wait for the desktop until their
// context ends.
package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Names of the notification service.
const (
	service = "org.freedesktop.Notifications"
	object  = dbus.ObjectPath("/org/freedesktop/Notifications")
)

// ErrNone is the error where no desktop offers notifications.
var ErrNone = errors.New("no desktop here shows notifications")

// expire leaves the time that a notification stays to the desktop.
const expire int32 = -1

// Notifier shows one notification at a time.
type Notifier struct {
	address string

	mu    sync.Mutex
	bus   *dbus.Conn
	shown uint32 // id of the notification in sight; 0: none
}

// New returns a Notifier for the session bus that the environment names. Nothing is
// connected before the first call.
func New(getenv func(string) string) *Notifier {
	return &Notifier{address: address(getenv, filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus"))}
}

// address is where the session bus is; empty: there is none. The D-Bus library would
// run dbus-launch then, which leaves a bus behind that nobody else uses.
func address(getenv func(string) string, socket string) string {
	if named := getenv("DBUS_SESSION_BUS_ADDRESS"); named != "" {
		if strings.HasPrefix(named, "autolaunch:") {
			return ""
		}
		return named
	}
	if info, err := os.Stat(socket); err == nil && info.Mode()&os.ModeSocket != 0 {
		return "unix:path=" + socket
	}
	return ""
}

// Tell shows a notification, in the place of the one before.
func (n *Notifier) Tell(ctx context.Context, title, body string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.connect(ctx); err != nil {
		return err
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(byte(1)), "desktop-entry": dbus.MakeVariant("openclaw")}
	call := n.bus.Object(service, object).CallWithContext(ctx, service+".Notify", 0, // the desktop may start its service
		"openclaw", n.shown, "", title, plain(body), []string{}, hints, expire)
	var id uint32
	if err := n.done(call, &id); err != nil {
		return err
	}
	n.shown = id
	return nil
}

// Withdraw takes the notification away, if one is in sight.
func (n *Notifier) Withdraw(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown == 0 || n.bus == nil {
		return nil
	}
	id := n.shown
	n.shown = 0
	call := n.bus.Object(service, object).CallWithContext(ctx, service+".CloseNotification", dbus.FlagNoAutoStart, id)
	if err := n.done(call); err != nil && !errors.As(err, new(dbus.Error)) {
		return err // that the desktop has taken it away itself is no error
	}
	return nil
}

// Close ends the connection. A notification in sight stays.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop()
}

func (n *Notifier) drop() {
	if n.bus != nil {
		_ = n.bus.Close() // nothing waits in it
		n.bus, n.shown = nil, 0
	}
}

// connect dials the bus. The caller has the lock.
func (n *Notifier) connect(ctx context.Context) error {
	switch {
	case n.address == "":
		return ErrNone
	case n.bus != nil && n.bus.Connected():
		return nil
	}
	n.drop()
	// The connection outlives this call; only the handshake must not.
	bus, err := dbus.Dial(n.address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNone, err)
	}
	ready := make(chan error, 1)
	go func() {
		err := bus.Auth(nil)
		if err == nil {
			err = bus.Hello()
		}
		ready <- err
	}()
	select {
	case err = <-ready:
	case <-ctx.Done():
		_ = bus.Close() // which ends the handshake
		err = <-ready
		return fmt.Errorf("reach the session bus: %w", errors.Join(ctx.Err(), err))
	}
	if err != nil {
		_ = bus.Close()
		return fmt.Errorf("%w: %w", ErrNone, err)
	}
	n.bus = bus
	return nil
}

// done reads what a call came back with.
func (n *Notifier) done(call *dbus.Call, into ...any) error {
	err := call.Err
	if err == nil {
		err = call.Store(into...)
	}
	if own, is := errors.AsType[dbus.Error](err); is {
		const errs = "org.freedesktop.DBus.Error."
		if own.Name == errs+"ServiceUnknown" || own.Name == errs+"NameHasNoOwner" || strings.HasPrefix(own.Name, errs+"Spawn.") {
			return fmt.Errorf("%w: %w", ErrNone, err)
		}
	}
	if err != nil {
		return fmt.Errorf("tell the desktop: %w", err)
	}
	return nil
}

// plain keeps a desktop that reads markup in bodies from reading any in ours.
func plain(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
