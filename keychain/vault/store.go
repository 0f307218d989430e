package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

var (
	errClosed   = errors.New("the vault is closed")
	errMissing  = errors.New("no entry of this name")
	errEmpty    = errors.New("the value is empty")
	errTooBig   = fmt.Errorf("the value has more than %d bytes", MaxValue)
	errReplaced = errors.New("another vault stands at this path now")
	errOlder    = errors.New("the file is an older generation than one that was seen before")
	errFork     = errors.New("the file is another one than the one that was seen of this generation")
	errOther    = errors.New("the file is another vault than the one that was used last")
	errNumber   = errors.New("the number of the generation is too high to go on from")
)

// Get returns a copy of the value.
func (v *Vault) Get(ctx context.Context, name string) (keychain.Secret, error) {
	const op = "get secret"
	if err := keychain.CheckName(op, name); err != nil {
		return keychain.Secret{}, err
	}
	var value []byte
	err := v.read(ctx, func(p payload) {
		if i, found := p.find(name); found {
			value = bytes.Clone(p.entries[i].value)
		}
	})
	if err == nil && value == nil {
		err = errMissing
	}
	if err != nil {
		return keychain.Secret{}, wrap(op, v.path, name, err)
	}
	return keychain.NewSecret(value), nil
}

// Set stores a copy of value. It returns when the new file is on the disk.
func (v *Vault) Set(ctx context.Context, name string, value keychain.Secret) error {
	const op = "set secret"
	if err := keychain.CheckName(op, name); err != nil {
		return err
	}
	if value.Empty() {
		return wrap(op, v.path, name, errEmpty)
	}
	if value.Len() > MaxValue {
		return wrap(op, v.path, name, errTooBig)
	}
	return wrap(op, v.path, name, v.change(ctx, func(p *payload) error {
		p.set(name, value.Reveal(), v.now())
		return nil
	}))
}

// Delete removes name. The previous file keeps it until the next change.
func (v *Vault) Delete(ctx context.Context, name string) error {
	const op = "delete secret"
	if err := keychain.CheckName(op, name); err != nil {
		return err
	}
	return wrap(op, v.path, name, v.change(ctx, func(p *payload) error {
		if !p.remove(name) {
			return errMissing
		}
		return nil
	}))
}

// List returns the names, sorted.
func (v *Vault) List(ctx context.Context) ([]string, error) {
	entries, err := v.Entries(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names, nil
}

// Entries returns what the vault says about each secret, sorted by name.
func (v *Vault) Entries(ctx context.Context) ([]Entry, error) {
	var entries []Entry
	err := v.read(ctx, func(p payload) {
		entries = make([]Entry, 0, len(p.entries))
		for _, e := range p.entries {
			entries = append(entries, e.Entry)
		}
	})
	if err != nil {
		return nil, wrap("list secrets", v.path, "", err)
	}
	return entries, nil
}

// Generation returns the highest generation that this process saw, and when it
// was written.
func (v *Vault) Generation() (uint64, time.Time) {
	v.seenMu.Lock()
	defer v.seenMu.Unlock()
	return v.seen.Generation, v.seen.Written
}

func (v *Vault) read(ctx context.Context, use func(payload)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return errClosed
	}
	return v.load(func(_ Header, p payload) { use(p) })
}

// change reads the newest file under the lock between processes, so that no
// other process's change is lost, and writes the next generation.
func (v *Vault) change(ctx context.Context, edit func(*payload) error) error {
	return v.changeWith(ctx, func(_ *Header, p *payload) error { return edit(p) })
}

func (v *Vault) changeWith(ctx context.Context, edit func(*Header, *payload) error) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return errClosed
	}
	release, err := file.Acquire(ctx, v.path+lockSuffix)
	if err != nil {
		return err
	}
	defer release()
	file.RemoveLeftovers(v.path)
	var written error
	err = v.load(func(before Header, p payload) {
		header := before
		if written = edit(&header, &p); written != nil {
			return
		}
		header.Generation++
		header.Written = v.now().UTC().Truncate(time.Second)
		previous := previousSuffix
		if len(header.Slots) < len(before.Slots) {
			previous = ""
			if written = v.dropPrevious(); written != nil {
				return
			}
		}
		written = v.write(header, p, previous)
	})
	if err != nil {
		return err
	}
	return written
}
