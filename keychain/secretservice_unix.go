//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keychain

import (
	"context"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// Names of the Secret Service's API, freedesktop.org's specification 0.2.
const (
	secretsName         = "org.freedesktop.secrets"
	secretsPath         = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection     = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	serviceInterface    = "org.freedesktop.Secret.Service"
	collectionInterface = "org.freedesktop.Secret.Collection"
	itemInterface       = "org.freedesktop.Secret.Item"
	sessionInterface    = "org.freedesktop.Secret.Session"
	promptInterface     = "org.freedesktop.Secret.Prompt"
	propertyGet         = "org.freedesktop.DBus.Properties.Get"

	nothing = dbus.ObjectPath("/") // how the API says "no object"
)

// secretService is a client of the Secret Service. The items are those of the
// library that the other systems use (the same attributes and label), so each
// reads what the other wrote. Its own client of this API is not used, because it
// waits for a prompt without a deadline and takes any prompt's answer for its
// own: KeePassXC answers every change through one, so of two changes at a time
// one was reported as done before it was.
type secretService struct {
	bus     *dbus.Conn
	prompts *prompts
}

// openSecretService connects to the session's bus, once a process.
func openSecretService(prompts *prompts) (*secretService, error) {
	bus, err := dbus.SessionBus()
	if err != nil {
		return nil, err
	}
	return &secretService{bus: bus, prompts: prompts}, nil
}

func (s *secretService) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return s.bus.Object(secretsName, path).CallWithContext(ctx, method, 0, args...)
}

func (s *secretService) property(ctx context.Context, path dbus.ObjectPath, of, name string) (dbus.Variant, error) {
	var value dbus.Variant
	err := s.call(ctx, path, propertyGet, of, name).Store(&value)
	return value, err
}

// collection is the one that new items go to: the login keyring where there is
// one, otherwise what the service calls the default (KeePassXC: the first open
// database that exposes a group).
func (s *secretService) collection(ctx context.Context) (dbus.ObjectPath, error) {
	value, err := s.property(ctx, secretsPath, serviceInterface, "Collections")
	if err != nil {
		return "", fmt.Errorf("list collections: %w", err)
	}
	if paths, _ := value.Value().([]dbus.ObjectPath); slices.Contains(paths, loginCollection) {
		return loginCollection, nil
	}
	var path dbus.ObjectPath
	if err := s.call(ctx, secretsPath, serviceInterface+".ReadAlias", "default").Store(&path); err != nil {
		return "", fmt.Errorf("read the default collection's name: %w", err)
	}
	if path == nothing || path == "" {
		return "", errNoCollection
	}
	return path, nil
}

// unlockedCollection is the same, or errLocked; it asks nobody to unlock it.
func (s *secretService) unlockedCollection(ctx context.Context) (dbus.ObjectPath, error) {
	path, err := s.collection(ctx)
	if err != nil {
		return "", err
	}
	locked, err := s.property(ctx, path, collectionInterface, "Locked")
	if err != nil {
		return "", fmt.Errorf("read the collection's state: %w", err)
	}
	if is, ok := locked.Value().(bool); ok && is {
		return "", errLocked
	}
	return path, nil
}

// unlocked returns when object, a collection or an item, can be used; the service may
// ask a person first.
func (s *secretService) unlocked(ctx context.Context, object dbus.ObjectPath) error {
	for {
		var done []dbus.ObjectPath
		var prompt dbus.ObjectPath
		if err := s.call(ctx, secretsPath, serviceInterface+".Unlock", []dbus.ObjectPath{object}).Store(&done, &prompt); err != nil {
			return fmt.Errorf("unlock: %w", err)
		}
		if slices.Contains(done, object) {
			return nil
		}
		if prompt == nothing {
			return errLocked
		}
		asked, err := s.prompts.answer(ctx, s, "unlock "+string(object), prompt)
		if err != nil {
			return err
		}
		if asked {
			return nil // what it refused all the same, the next call says
		}
	}
}

// find returns the items of service and, unless it is empty, account.
func (s *secretService) find(ctx context.Context, collection dbus.ObjectPath, service, account string) ([]dbus.ObjectPath, error) {
	attributes := map[string]string{"service": service}
	if account != "" {
		attributes["username"] = account
	}
	var items []dbus.ObjectPath
	err := s.call(ctx, collection, collectionInterface+".SearchItems", attributes).Store(&items)
	return items, err
}

// item returns the one item of service and account, in a collection that it unlocks.
func (s *secretService) item(ctx context.Context, service, account string) (dbus.ObjectPath, error) {
	collection, err := s.collection(ctx)
	if err != nil {
		return "", err
	}
	if err := s.unlocked(ctx, collection); err != nil {
		return "", err
	}
	items, err := s.find(ctx, collection, service, account)
	if err != nil {
		return "", fmt.Errorf("search: %w", err)
	}
	if len(items) == 0 {
		return "", keyring.ErrNotFound
	}
	return items[0], nil
}

// session opens a session without encryption: the bus is a socket of this user's.
func (s *secretService) session(ctx context.Context) (path dbus.ObjectPath, end func(), err error) {
	var none dbus.Variant
	if err := s.call(ctx, secretsPath, serviceInterface+".OpenSession", "plain", dbus.MakeVariant("")).Store(&none, &path); err != nil {
		return "", nil, fmt.Errorf("open session: %w", err)
	}
	return path, func() {
		// Nobody waits for the answer: a session ends with the connection at the latest.
		s.bus.Object(secretsName, path).Go(sessionInterface+".Close", dbus.FlagNoReplyExpected, nil)
	}, nil
}

// transfer is a secret on the bus.
type transfer struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

func (s *secretService) get(ctx context.Context, service, account string) (string, error) {
	item, err := s.item(ctx, service, account)
	if err != nil {
		return "", err
	}
	session, end, err := s.session(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	if err := s.unlocked(ctx, item); err != nil {
		return "", err
	}
	var got transfer
	if err := s.call(ctx, item, itemInterface+".GetSecret", session).Store(&got); err != nil {
		return "", fmt.Errorf("get: %w", err)
	}
	return string(got.Value), nil
}

func (s *secretService) set(ctx context.Context, service, account, text string) error {
	collection, err := s.collection(ctx)
	if err != nil {
		return err
	}
	if err := s.unlocked(ctx, collection); err != nil {
		return err
	}
	session, end, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer end()
	properties := map[string]dbus.Variant{
		itemInterface + ".Label":      dbus.MakeVariant(fmt.Sprintf("Password for '%s' on '%s'", account, service)),
		itemInterface + ".Attributes": dbus.MakeVariant(map[string]string{"username": account, "service": service}),
	}
	value := transfer{Session: session, Parameters: []byte{}, Value: []byte(text), ContentType: "text/plain; charset=utf8"}
	return s.change(ctx, "set "+service+"\x00"+account, func() (dbus.ObjectPath, error) {
		var item, prompt dbus.ObjectPath
		err := s.call(ctx, collection, collectionInterface+".CreateItem", properties, value, true).Store(&item, &prompt)
		return prompt, err
	})
}

func (s *secretService) delete(ctx context.Context, service, account string) error {
	item, err := s.item(ctx, service, account)
	if err != nil {
		return err
	}
	return s.change(ctx, "delete "+string(item), func() (dbus.ObjectPath, error) {
		var prompt dbus.ObjectPath
		err := s.call(ctx, item, itemInterface+".Delete").Store(&prompt)
		return prompt, err
	})
}

// change makes one change, which the service may finish only when a prompt has ended.
// There is one at a time: KeePassXC 2.7.4 answers each from within the one before,
// and crashed on sixteen at once.
func (s *secretService) change(ctx context.Context, key string, begin func() (dbus.ObjectPath, error)) error {
	select {
	case s.prompts.changing <- struct{}{}:
		defer func() { <-s.prompts.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		prompt, err := begin()
		if err != nil {
			return err
		}
		if prompt == nothing || prompt == "" {
			return nil
		}
		if asked, err := s.prompts.answer(ctx, s, key, prompt); asked || err != nil {
			return err
		}
	}
}
