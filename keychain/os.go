package keychain

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

// Service is the name under which openclaw's own items stand in the keychain.
const Service = "openclaw"

// Limits of OS. The library and the services set none of the times; a person
// who has to answer an unlock prompt in the meantime tries again afterwards.
const (
	defaultGetTimeout  = 3 * time.Second
	defaultSetTimeout  = 5 * time.Second
	probeTimeout       = 3 * time.Second
	defaultOutstanding = 4
)

// OSOptions changes the defaults of NewOS. The zero value is good.
type OSOptions struct {
	Service    string        // "openclaw"
	GetTimeout time.Duration // 3 s; also for Delete and List
	SetTimeout time.Duration // 5 s

	ProbeTimeout time.Duration // 3 s
	Outstanding  int           // 4; calls to the service at one time
}

// OS is the operating system's keychain: the Secret Service (gnome-keyring,
// KWallet, KeePassXC) over D-Bus, the macOS keychain, the Windows credential
// manager. It is safe for concurrent use.
type OS struct {
	service      string
	getTimeout   time.Duration
	setTimeout   time.Duration
	probeTimeout time.Duration
	calls        *calls
	system       *system
}

var _ Store = (*OS)(nil)

// NewOS returns the system's keychain. It calls nothing yet.
func NewOS(options OSOptions) *OS {
	o := &OS{service: options.Service, getTimeout: options.GetTimeout, setTimeout: options.SetTimeout, system: newSystem()}
	if o.service == "" {
		o.service = Service
	}
	if o.getTimeout <= 0 {
		o.getTimeout = defaultGetTimeout
	}
	if o.setTimeout <= 0 {
		o.setTimeout = defaultSetTimeout
	}
	o.probeTimeout = options.ProbeTimeout
	if o.probeTimeout <= 0 {
		o.probeTimeout = probeTimeout
	}
	limit := options.Outstanding
	if limit <= 0 {
		limit = defaultOutstanding
	}
	o.calls = newCalls(limit)
	return o
}

// Get returns the secret called name.
func (o *OS) Get(ctx context.Context, name string) (Secret, error) {
	const op = "get secret"
	if err := CheckName(op, name); err != nil {
		return Secret{}, err
	}
	return o.read(ctx, op, o.service, name)
}

// GetItem returns the item of any service and account, also of other programs.
// Both may be any text without NUL, up to 1,024 bytes each.
func (o *OS) GetItem(ctx context.Context, service, account string) (Secret, error) {
	const op = "get keychain item"
	for _, part := range []string{service, account} {
		if part == "" || len(part) > 1024 || bytes.IndexByte([]byte(part), 0) >= 0 {
			return Secret{}, &Error{
				Op: op, Kind: KindBadName, Err: errors.New("service or account is empty, too long or has a NUL"),
				Hint: "write keychain://service/account",
			}
		}
	}
	return o.read(ctx, op, service, account)
}

func (o *OS) read(ctx context.Context, op, service, account string) (Secret, error) {
	text, err := run(ctx, o.calls, o.getTimeout, func(ctx context.Context) (string, error) { return o.system.get(ctx, service, account) })
	if err != nil {
		return Secret{}, o.fail(ctx, op, account, err)
	}
	return NewSecret([]byte(text)), nil
}

// Set stores value under name, reads it back and compares. A value has at most
// MaxValue bytes.
func (o *OS) Set(ctx context.Context, name string, value Secret) error {
	const op = "set secret"
	if err := CheckName(op, name); err != nil {
		return err
	}
	if value.Empty() {
		return &Error{Op: op, Name: name, Kind: KindFailed, Err: errors.New("the value is empty"), Hint: "give a value, or delete the secret"}
	}
	if value.Len() > MaxValue {
		return &Error{Op: op, Name: name, Kind: KindTooBig, Err: fmt.Errorf("%d bytes, at most %d", value.Len(), MaxValue), Hint: hint(KindTooBig)}
	}
	text := string(value.Reveal())
	_, err := run(ctx, o.calls, o.setTimeout, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, o.setAndCompare(ctx, name, text)
	})
	if err != nil {
		return o.fail(ctx, op, name, err)
	}
	return nil
}

// setAndCompare exists because services report success for what they did not
// store: `security -i` exits 0 after a refused command.
func (o *OS) setAndCompare(ctx context.Context, name, text string) error {
	if err := o.system.set(ctx, o.service, name, text); err != nil {
		return err
	}
	got, err := o.system.get(ctx, o.service, name)
	switch {
	case errors.Is(err, keyring.ErrNotFound), err == nil && got != text:
		return errNotKept
	case err != nil:
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

var errNotKept = errors.New("the keychain reported success and kept something else")

// Delete removes name.
func (o *OS) Delete(ctx context.Context, name string) error {
	const op = "delete secret"
	if err := CheckName(op, name); err != nil {
		return err
	}
	_, err := run(ctx, o.calls, o.getTimeout, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, o.system.delete(ctx, o.service, name)
	})
	if err != nil {
		return o.fail(ctx, op, name, err)
	}
	return nil
}

// List returns the names of openclaw's items where the system can list (the
// Secret Service); elsewhere it is KindUnsupported, and an index that the
// caller keeps is the only list.
func (o *OS) List(ctx context.Context) ([]string, error) {
	names, err := run(ctx, o.calls, o.getTimeout, func(ctx context.Context) ([]string, error) { return o.system.accounts(ctx, o.service) })
	if err != nil {
		return nil, o.fail(ctx, "list secrets", "", err)
	}
	return names, nil
}

// Probe stores, reads and deletes an item of random name and value. It returns
// nil only when all three worked within 3 s (OSOptions.ProbeTimeout). A probe that comes too late still
// deletes what it stored.
func (o *OS) Probe(ctx context.Context) error {
	name, value := "probe/"+rand.Text(), rand.Text()
	_, err := run(ctx, o.calls, o.probeTimeout, func(ctx context.Context) (struct{}, error) {
		err := o.setAndCompare(ctx, name, value)
		if kind := classify(err); kind == KindLocked || kind == KindNoService {
			return struct{}{}, err // it was not stored
		}
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.probeTimeout)
		defer cancel()
		if deleted := o.system.delete(again, o.service, name); err == nil {
			err = deleted
		}
		return struct{}{}, err
	})
	if err != nil {
		return o.fail(ctx, "probe keychain", "", err)
	}
	return nil
}

// Check asks for an item that does not exist: a cheap proof (about 10 ms) that
// the keychain answers and is unlocked, without the writes of Probe.
func (o *OS) Check(ctx context.Context) error {
	_, err := o.read(ctx, "check keychain", o.service, "probe/none")
	if KindOf(err) == KindNotFound {
		return nil
	}
	return err
}
