package keychain_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"openclaw/keychain"
	"openclaw/keychain/keyringtest"
)

// person is a Secret Service that has nothing but a locked keyring and a window
// before it, which the test answers: the real ones need a display for that.
type person struct {
	bus     *dbus.Conn
	shown   chan dbus.ObjectPath
	gone    chan dbus.ObjectPath // prompts that were dismissed
	open    chan struct{}        // closed: the keyring is unlocked
	prompts atomic.Int64
	export  sync.Mutex
}

const onlyCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/only")

func newPerson(t *testing.T) *person {
	t.Helper()
	p := &person{bus: keyringtest.Bus(t), shown: make(chan dbus.ObjectPath, 100), gone: make(chan dbus.ObjectPath, 100), open: make(chan struct{})}
	for object, interfaces := range map[dbus.ObjectPath]map[string]map[string]any{
		keyringtest.Object: {
			"org.freedesktop.Secret.Service":  {"ReadAlias": p.readAlias, "Unlock": p.unlock},
			"org.freedesktop.DBus.Properties": {"Get": p.collections},
		},
		onlyCollection: {"org.freedesktop.Secret.Collection": {"SearchItems": p.searchItems}},
	} {
		for name, methods := range interfaces {
			if err := p.bus.ExportMethodTable(methods, object, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if reply, err := p.bus.RequestName(keyringtest.Service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own the name: %v %v", reply, err)
	}
	return p
}

func (p *person) readAlias(string) (dbus.ObjectPath, *dbus.Error) { return onlyCollection, nil }

func (p *person) collections(string, string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant([]dbus.ObjectPath{onlyCollection}), nil
}

func (p *person) searchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	return []dbus.ObjectPath{}, nil
}

func (p *person) unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	select {
	case <-p.open:
		return objects, "/", nil
	default:
	}
	p.export.Lock() // the library's own table has no lock against two at once
	defer p.export.Unlock()
	path := keyringtest.Object + "/prompt/" + dbus.ObjectPath(fmt.Sprint("p", p.prompts.Add(1)))
	err := p.bus.ExportMethodTable(map[string]any{
		"Prompt":  func(string) *dbus.Error { p.shown <- path; return nil },
		"Dismiss": func() *dbus.Error { p.gone <- path; return nil },
	}, path, "org.freedesktop.Secret.Prompt")
	if err != nil {
		return nil, "/", dbus.MakeFailedError(err)
	}
	return []dbus.ObjectPath{}, path, nil
}

func (p *person) answer(t *testing.T, path dbus.ObjectPath, dismissed bool) {
	t.Helper()
	if err := p.bus.Emit(path, "org.freedesktop.Secret.Prompt.Completed", dismissed, dbus.MakeVariant([]dbus.ObjectPath{onlyCollection})); err != nil {
		t.Fatal(err)
	}
}

func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(time.Minute):
		t.Fatal("did not happen: " + what)
		panic("not reached")
	}
}

// However many calls need it, one window opens; it outlives the call that opened it,
// and its answer is that of everyone who waits.
func TestKeyringHasOneWindow(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.BusOnly) {
		return
	}
	p := newPerson(t)
	os := keychain.NewOS(keychain.OSOptions{GetTimeout: 20 * time.Second})
	answers := make(chan error, 3)
	for range 3 {
		go func() { answers <- os.Check(t.Context()) }()
	}
	path := within(t, "a window opens", p.shown)
	for range 2 {
		within(t, "the others' are taken away", p.gone)
	}
	close(p.open)
	p.answer(t, path, false)
	for range 3 {
		if err := within(t, "the answer reaches every call", answers); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.shown) != 0 {
		t.Fatal("a second window was opened")
	}
}

func TestKeyringWindowThatIsRefused(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.BusOnly) {
		return
	}
	p := newPerson(t)
	os := keychain.NewOS(keychain.OSOptions{GetTimeout: 20 * time.Second})
	for range 2 { // each time anew: a person may have erred
		answers := make(chan error, 1)
		go func() { answers <- os.Check(t.Context()) }()
		p.answer(t, within(t, "a window opens", p.shown), true)
		wantKind(t, within(t, "the refusal", answers), keychain.KindLocked)
	}
}

func TestKeyringEndsWhileItsWindowIsOpen(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.BusOnly) {
		return
	}
	p := newPerson(t)
	answers := make(chan error, 1)
	go func() { answers <- keychain.NewOS(keychain.OSOptions{GetTimeout: 20 * time.Second}).Check(t.Context()) }()
	within(t, "a window opens", p.shown)
	if err := p.bus.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, within(t, "the end", answers), keychain.KindNoService)
}
