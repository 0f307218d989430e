//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// MaxValue is the size of the largest value, in bytes. The Secret Service has
// no limit of its own (16 MiB was accepted), but every change rewrites the
// whole keyring file, and no key or token comes near this.
const MaxValue = 64 << 10

// busKnown reports whether the D-Bus library would find a session bus by
// itself. Where it would not, it runs dbus-launch, which leaves a bus behind
// that nobody else uses and on which no keyring is ever unlocked.
func busKnown() bool {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return true
	}
	// The same two places that the library looks at.
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), name)); err == nil {
			return true
		}
	}
	return false
}

// classifySystem sorts D-Bus errors by their registered names.
func classifySystem(err error) Kind {
	name := ""
	if e, ok := errors.AsType[dbus.Error](err); ok {
		name = e.Name
	} else if e, ok := errors.AsType[*dbus.Error](err); ok {
		name = e.Name
	}
	switch name {
	case "org.freedesktop.Secret.Error.IsLocked":
		return KindLocked
	case "org.freedesktop.Secret.Error.NoSuchObject":
		return KindNotFound
	case "org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.NoServer",
		"org.freedesktop.DBus.Error.Disconnected",
		"org.freedesktop.DBus.Error.NoReply", // the service ended before it answered
		"org.freedesktop.DBus.Error.Spawn.ExecFailed",
		"org.freedesktop.DBus.Error.Spawn.ForkFailed",
		"org.freedesktop.DBus.Error.Spawn.ChildExited",
		"org.freedesktop.DBus.Error.Spawn.ChildSignaled",
		"org.freedesktop.DBus.Error.Spawn.Failed",
		"org.freedesktop.DBus.Error.Spawn.FileInvalid",
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
		"org.freedesktop.DBus.Error.Spawn.PermissionsInvalid",
		"org.freedesktop.DBus.Error.UnknownMethod",
		"org.freedesktop.DBus.Error.UnknownInterface":
		return KindNoService
	case "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut":
		return KindTimeout
	}
	if errors.Is(err, dbus.ErrClosed) {
		return KindNoService
	}
	return KindFailed
}

// system is the keychain over D-Bus.
type system struct{ prompts *prompts }

func newSystem() *system { return &system{prompts: newPrompts()} }

func (y *system) get(ctx context.Context, service, account string) (string, error) {
	s, err := openSecretService(y.prompts)
	if err != nil {
		return "", err
	}
	return s.get(ctx, service, account)
}

func (y *system) set(ctx context.Context, service, account, text string) error {
	s, err := openSecretService(y.prompts)
	if err != nil {
		return err
	}
	return s.set(ctx, service, account, text)
}

func (y *system) delete(ctx context.Context, service, account string) error {
	s, err := openSecretService(y.prompts)
	if err != nil {
		return err
	}
	return s.delete(ctx, service, account)
}

// state reads whether the collection in use is locked or missing, which to a
// person is the same: it has to be unlocked (an unlock creates it).
func (y *system) state(ctx context.Context) (Kind, error) {
	s, err := openSecretService(y.prompts)
	if err != nil {
		return KindFailed, err
	}
	_, err = s.unlockedCollection(ctx)
	switch kind := classify(err); {
	case err == nil:
		return KindFailed, nil
	case kind == KindLocked, kind == KindNotFound: // the service answers, the collection is gone
		return KindLocked, nil
	default:
		return KindFailed, err
	}
}

// accounts returns the accounts of a service, sorted, without unlocking and so
// without a prompt.
func (y *system) accounts(ctx context.Context, service string) ([]string, error) {
	s, err := openSecretService(y.prompts)
	if err != nil {
		return nil, err
	}
	collection, err := s.unlockedCollection(ctx)
	if err != nil {
		return nil, err
	}
	items, err := s.find(ctx, collection, service, "")
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	accounts := make([]string, 0, len(items))
	for _, item := range items {
		attributes, err := s.property(ctx, item, itemInterface, "Attributes")
		if err != nil {
			if kind := classify(err); kind == KindNoService || kind == KindNotFound {
				continue // deleted between the two calls
			}
			return nil, fmt.Errorf("read item: %w", err)
		}
		values, _ := attributes.Value().(map[string]string)
		if account := values["username"]; CheckName("list secrets", account) == nil {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	return slices.Compact(accounts), nil
}

// hint is the cure for each kind.
func hint(kind Kind) string {
	switch kind {
	case KindNotFound:
		return "store it: openclaw secrets set NAME"
	case KindLocked:
		return "unlock the keyring: log in on the desktop, or run gnome-keyring-daemon --unlock in this session; then try again"
	case KindNoService:
		return "no Secret Service answers: install and start gnome-keyring (or KeePassXC) in a session with D-Bus, or keep secrets in the encrypted vault: openclaw vault init"
	case KindTimeout:
		return "a prompt may be waiting for your answer on the desktop: answer it and try again; otherwise restart the keyring service"
	case KindTooBig:
		return fmt.Sprintf("a secret has at most %d bytes: keep larger data in a file and the file's key here", MaxValue)
	default:
		return "look at the keyring service's own log, then try again"
	}
}
